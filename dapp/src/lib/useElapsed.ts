/** Seconds since a block was first seen here: the chain's clock between two blocks. */
import { useEffect, useState } from "react";

/** {s} since `block` changed last, counted by this machine; a second behind at most. */
export function useElapsed(block: bigint): bigint {
  const [elapsed, setElapsed] = useState({ block, seconds: 0 });
  useEffect(() => {
    const seen = performance.now();
    setElapsed({ block, seconds: 0 });
    const timer = setInterval(
      () => setElapsed({ block, seconds: Math.floor((performance.now() - seen) / 1_000) }),
      1_000,
    );
    return () => clearInterval(timer);
  }, [block]);
  return elapsed.block === block ? BigInt(elapsed.seconds) : 0n;
}
