/** What had to be mended of Temporal and its campaigns while the services came up, for people. */
import { temporalDatabase } from "../services/kept-services.ts";
import type { StateFolder } from "../services/state-folder.ts";
import { databasesSetAside } from "../services/temporal-database.ts";
import { storeExists, withStore } from "./store-access.ts";

/** Remembers how it is now; `mended` tells afterwards what is new, one sentence each. */
export function whatWas(state: StateFolder) {
  const since = new Date().toISOString();
  const asideBefore = databasesSetAside(temporalDatabase(state));
  return {
    async mended(): Promise<readonly string[]> {
      const aside = databasesSetAside(temporalDatabase(state)).filter(
        (file) => !asideBefore.includes(file),
      );
      const begun = storeExists(state)
        ? await withStore(state, (store) => store.eventsSince("begun-anew", since))
        : [];
      return [
        ...aside.map((file) => `Temporal's database was damaged; it is kept as ${file}`),
        ...begun.map(
          ({ campaign, content }) =>
            `campaign ${campaign} was begun anew from the store: ${String(content.why)}`,
        ),
      ];
    },
  };
}
