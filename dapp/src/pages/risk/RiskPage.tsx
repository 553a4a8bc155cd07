/** Risk: how far each market is from trouble, and what the pools carry. */
export default function RiskPage() {
  return <h1>Risk</h1>;
}
