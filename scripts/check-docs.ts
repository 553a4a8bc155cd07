/** Fails when the README is too long, or when the README or a page under docs/ names a path that does not exist. */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import path from "node:path";

const README_LIMIT = 130; // lines
const root = path.resolve(import.meta.dirname, "..");

/** Written by a build or a run, so absent from a fresh clone. */
const GENERATED = /^(?:artifacts|cache|coverage|reports|typechain-types|node_modules)(?:\/|$)/;

/** Relative link targets anywhere, and `code` that looks like a path of this repository: it has a slash or a known ending. */
function namedPaths(markdown: string): { links: string[]; code: string[] } {
  const prose = markdown.replaceAll(/^( *)(`{3,}|~{3,})[\s\S]*?^\1\2/gm, "");
  const links = [...prose.matchAll(/\]\(<?([^)\s>]+)>?[^)]*\)/g)]
    .map(([, target]) => (target ?? "").replace(/#.*$/, ""))
    .filter((target) => target !== "" && !/^[a-z]+:/.test(target));
  const code = [...prose.matchAll(/`([^`\n]+)`/g)]
    .map(([, text]) => text ?? "")
    .filter((text) => /^\.?[\w-][\w.-]*(?:\/[\w.-]+)*\/?$/.test(text))
    .filter((text) => text.includes("/") || /\.(?:sol|ts|md|json|cjs|mjs|yml)$/.test(text));
  return { links, code };
}

/** Names a layout block: the first word of each line of a fenced block that opens with ```text layout. */
function layoutPaths(markdown: string): string[] {
  const block = /^```text layout\n([\s\S]*?)^```/m.exec(markdown)?.[1] ?? "";
  return [...block.matchAll(/^([\w.][\w./-]*)/gm)].map(([, name]) => name ?? "");
}

function pages(folder: string): string[] {
  if (!existsSync(path.join(root, folder))) return [];
  return readdirSync(path.join(root, folder), { recursive: true, encoding: "utf8" })
    .filter((name) => name.endsWith(".md"))
    .map((name) => path.join(folder, name));
}

const problems: string[] = [];
const readme = readFileSync(path.join(root, "README.md"), "utf8");
const length = readme.trimEnd().split("\n").length;
if (length >= README_LIMIT) problems.push(`README.md has ${length} lines; it must stay under ${README_LIMIT}`);

for (const page of ["README.md", ...pages("docs")]) {
  const text = readFileSync(path.join(root, page), "utf8");
  const { links, code } = namedPaths(text);
  const missing = [
    ...links.filter((target) => !existsSync(path.resolve(root, path.dirname(page), target))),
    // In a decision record a code span may name what was dropped: only the README's are held to the tree.
    ...(page === "README.md" ? [...code, ...layoutPaths(text)] : []).filter(
      (name) => !GENERATED.test(name) && !existsSync(path.join(root, name)),
    ),
  ];
  problems.push(...new Set(missing.map((name) => `${page} names ${name}, which does not exist`)));
}

for (const problem of problems) console.error(problem);
process.exitCode = problems.length === 0 ? 0 : 1;
