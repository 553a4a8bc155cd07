/** The in-process chain that gas is measured on. */
import { network } from "hardhat";

/** Begins at the same second of the same day, so that minutes, and what is done once in each, fall alike in every run. */
export const createChain = () => network.create({ override: { initialDate: "2026-01-05T00:00:00Z" } });
