/** Starts the dApp, or says what of its configuration is wrong. */
import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import { App } from "./App.tsx";
import { parseSettings, type Settings, SettingsError } from "./config.ts";
import "./styles/index.css";

const root = document.getElementById("root");
if (root === null) throw new Error("index.html has no #root");

createRoot(root).render(<StrictMode>{start()}</StrictMode>);

function start() {
  let settings: Settings;
  try {
    settings = parseSettings(import.meta.env);
  } catch (error) {
    return <Faults error={error} />;
  }
  return <App settings={settings} />;
}

function Faults({ error }: { error: unknown }) {
  const faults = error instanceof SettingsError ? error.faults : [String(error)];
  return (
    <main className="page">
      <h1>Backstop cannot start</h1>
      <ul>
        {faults.map((fault) => (
          <li key={fault}>{fault}</li>
        ))}
      </ul>
    </main>
  );
}
