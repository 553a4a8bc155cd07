/** A page that fails says so; the rest of the dApp goes on. */
import { Component, type ReactNode } from "react";
import { Notice } from "./parts.tsx";

interface State {
  readonly error: Error | undefined;
}

export class PageBoundary extends Component<{ readonly children: ReactNode }, State> {
  override state: State = { error: undefined };

  static getDerivedStateFromError(error: unknown): State {
    return { error: error instanceof Error ? error : new Error(String(error)) };
  }

  override render(): ReactNode {
    const { error } = this.state;
    if (error === undefined) return this.props.children;
    return (
      <Notice tone="bad" title="This page failed.">
        <p>{error.message}</p>
        <button type="button" onClick={() => window.location.reload()}>
          Load it again
        </button>
      </Notice>
    );
  }
}
