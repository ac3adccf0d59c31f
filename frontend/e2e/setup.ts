import { rename, rm, writeFile } from "node:fs/promises";
import type { TestProject } from "vitest/node";
import { Daemon } from "./daemon";

/** A demo trades once for all files that want its trades; those that don't begin meanwhile. RECORDED is a file that then names its folder. */
export default function setup(project: TestProject): () => Promise<void> {
  const note = project.config.env["RECORDED"] as string;
  let folder: string | null = null;
  const noted = Daemon.record(process.env["SUITE"] === "screenshots" ? 3 : 1).then(
    async (path) => {
      folder = path;
      await writeFile(`${note}.new`, path);
      await rename(`${note}.new`, note);
    },
    (error: unknown) => console.error("the demo could not be recorded:", error),
  );
  return async () => {
    await noted;
    await rm(note, { force: true });
    if (folder !== null) await rm(folder, { recursive: true, force: true });
  };
}
