/** The shell: wallet, chain, navigation, and one page at a time. Pages other than the first are loaded when they are opened. */
import { QueryClient, QueryClientProvider, useQuery } from "@tanstack/react-query";
import { lazy, type ReactNode, Suspense, useMemo, useState } from "react";
import { useConfig, WagmiProvider } from "wagmi";
import { getPublicClient } from "wagmi/actions";
import { Link, Redirect, Route, Switch, useLocation } from "wouter";
import { BackstopContext } from "./backstop.ts";
import { wagmiConfigOf } from "./chain.ts";
import type { Settings } from "./config.ts";
import { factsQuery } from "./data/facts.ts";
import type { Reader } from "./data/reader.ts";
import { StakePage } from "./pages/stake/StakePage.tsx";
import { PageBoundary } from "./ui/PageBoundary.tsx";
import { Notice } from "./ui/parts.tsx";
import { ThemeButton } from "./ui/ThemeButton.tsx";
import { ChainNotice } from "./wallet/ChainNotice.tsx";
import { WalletButton } from "./wallet/WalletButton.tsx";

const RiskPage = lazy(() => import("./pages/risk/RiskPage.tsx"));
const PortfolioPage = lazy(() => import("./pages/portfolio/PortfolioPage.tsx"));
const KeeperPage = lazy(() => import("./pages/keeper/KeeperPage.tsx"));

const PAGES = [
  { path: "/stake", name: "Stake" },
  { path: "/risk", name: "Risk" },
  { path: "/portfolio", name: "Portfolio" },
  { path: "/keeper", name: "Keeper" },
] as const;

export function App({ settings }: { settings: Settings }) {
  const [config] = useState(() => wagmiConfigOf(settings));
  const [queries] = useState(() => new QueryClient({ defaultOptions: { queries: { retry: 1, staleTime: 0 } } }));
  return (
    <WagmiProvider config={config}>
      <QueryClientProvider client={queries}>
        <Facts settings={settings}>
          <Shell />
        </Facts>
      </QueryClientProvider>
    </WagmiProvider>
  );
}

/** Reads once what never changes; nothing can be shown before. */
function Facts({ settings, children }: { settings: Settings; children: ReactNode }) {
  const config = useConfig();
  const reader = useMemo<Reader>(() => {
    const client = getPublicClient(config);
    if (client === undefined) throw new Error("wagmi has no client for the chain of the deployment");
    return { client, deployment: settings.deployment };
  }, [config, settings]);
  const { data, error } = useQuery({ ...factsQuery(reader), retry: true, retryDelay: 2_000 });
  const value = useMemo(
    () => data && { ...data, settings, reader, chain: reader.client.chain },
    [data, settings, reader],
  );
  if (value !== undefined) return <BackstopContext value={value}>{children}</BackstopContext>;
  return (
    <main className="page">
      <h1>Backstop</h1>
      {error === null ? <p>Reading the deployment …</p> : <NoNode settings={settings} />}
    </main>
  );
}

const NoNode = ({ settings: { deployment, rpcUrl } }: { settings: Settings }) => (
  <Notice tone="bad" title="The chain cannot be read.">
    <p>
      {rpcUrl} does not answer, or knows no deployment of {deployment.network}. It is asked again every few seconds.
    </p>
  </Notice>
);

function Shell() {
  const [location] = useLocation();
  return (
    <>
      <a className="skip" href="#main">
        Skip to the content
      </a>
      <header className="top">
        <div className="top-inner">
          <Link href="/stake" className="brand">
            Backstop
          </Link>
          <nav aria-label="Pages">
            {PAGES.map(({ path, name }) => (
              <PageLink key={path} path={path} name={name} />
            ))}
          </nav>
          <div className="top-tools">
            <ThemeButton />
            <WalletButton />
          </div>
        </div>
      </header>
      <main id="main" className="page" tabIndex={-1}>
        <ChainNotice />
        <Suspense fallback={<p className="hint">Loading …</p>}>
          <PageBoundary key={location}>
            <Switch>
              <Route path="/stake" component={StakePage} />
              <Route path="/risk" component={RiskPage} />
              <Route path="/portfolio" component={PortfolioPage} />
              <Route path="/keeper" component={KeeperPage} />
              <Route path="/">
                <Redirect to="/stake" replace />
              </Route>
              <Route>
                <h1>There is no such page</h1>
              </Route>
            </Switch>
          </PageBoundary>
        </Suspense>
      </main>
      <footer className="foot">Not audited. Not for real money.</footer>
    </>
  );
}

function PageLink({ path, name }: { path: string; name: string }) {
  const [location] = useLocation();
  return (
    <Link href={path} aria-current={location.startsWith(path) ? "page" : undefined}>
      {name}
    </Link>
  );
}
