/** Where a flow stands: its steps with their transactions, and how it ended. */
import { useEffect, useRef } from "react";
import { useBackstop } from "../backstop.ts";
import { explorerLink } from "../chain.ts";
import { shortHex } from "../lib/format.ts";
import type { Progress, StepProgress, StepState } from "./types.ts";
import { Unmined } from "./Unmined.tsx";

const STATES: Readonly<Record<StepState, string>> = {
  waiting: "next",
  wallet: "confirm in your wallet",
  pending: "sent, waiting to be mined",
  done: "done",
  failed: "not done",
};

export function FlowStatus({ progress, onDismiss }: { progress: Progress; onDismiss: () => void }) {
  const box = useRef<HTMLDivElement>(null);
  const { status } = progress;
  useEffect(() => {
    if (status === "idle") return;
    box.current?.scrollIntoView({ block: "nearest" });
    if (isLost(document.activeElement)) box.current?.focus({ preventScroll: true });
  }, [status]);
  if (progress.status === "idle") return <Unmined />;
  return (
    <div
      ref={box}
      className={`flow ${status}`}
      data-flow={status}
      role={status === "failed" ? "alert" : "status"}
      tabIndex={-1}
    >
      <strong>{progress.title}</strong>
      <ol>
        {progress.steps.map((step) => (
          <StepLine key={step.label} step={step} />
        ))}
      </ol>
      {progress.status === "running" ? <p>{progress.note ?? ""}</p> : <p className="outcome">{progress.sentence}</p>}
      {progress.status === "running" ? null : (
        <button
          type="button"
          className="link"
          onClick={() => {
            document.getElementById("main")?.focus({ preventScroll: true }); // this button goes
            onDismiss();
          }}
        >
          Close
        </button>
      )}
    </div>
  );
}

/** Who goes on by keyboard has no place to go on from: what he pressed is disabled while a flow runs. */
const isLost = (active: Element | null): boolean => active === null || active.matches("body, :disabled");

function StepLine({ step: { label, state, kind, hash } }: { step: StepProgress }) {
  return (
    <li className={state}>
      <span>{label}</span>{" "}
      <span className="hint">
        {kind === "sign" && state === "waiting" ? "next, costs nothing" : STATES[state]}
        {hash === undefined ? null : <Transaction hash={hash} />}
      </span>
    </li>
  );
}

export function Transaction({ hash }: { hash: string }) {
  const { chain } = useBackstop();
  const link = explorerLink(chain, hash);
  const text = <code title={hash}>{shortHex(hash)}</code>;
  return <> {link === undefined ? text : <a href={link}>{text}</a>}</>;
}
