/** The check after a deployment: reads everything back and says what is off. */
import { isCallException, isError, type JsonRpcProvider } from "ethers";
import type { Deployment } from "../../sdk/src/deployment.ts";
import { RetryableError } from "../errors.ts";
import { type DeploymentSettings, messageOf } from "../parameters.ts";
import { checkCode } from "./code.ts";
import { checkMarkets } from "./markets.ts";
import { Report } from "./report.ts";
import { checkRoles } from "./roles.ts";
import { checkWiring } from "./wiring.ts";

export async function inspect(
  provider: JsonRpcProvider,
  deployment: Deployment,
  settings: DeploymentSettings,
): Promise<Report> {
  const report = new Report();
  try {
    const isThere = await checkCode(report, provider, deployment);
    if (!isThere) return report;
    for (const check of [checkWiring, checkMarkets, checkRoles]) {
      try {
        await check(report, provider, deployment, settings);
      } catch (error) {
        if (!isCallException(error) && !isError(error, "BAD_DATA")) throw error;
        report.require(false, `A contract did not answer as expected: ${error.shortMessage}.`);
      }
    }
  } catch (error) {
    if (isError(error, "NETWORK_ERROR") || isError(error, "TIMEOUT") || isError(error, "SERVER_ERROR"))
      throw new RetryableError(`The node stopped answering: ${messageOf(error)}`, { cause: error });
    throw error;
  }
  return report;
}
