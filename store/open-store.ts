/** The store as its callers hold it: every verb of `Store` over one pool of connections. */
import { attemptVerbs } from "./attempts.ts";
import { campaignVerbs } from "./campaigns.ts";
import { openDatabase } from "./database.ts";
import { extensionVerbs } from "./extensions.ts";
import { judgementVerbs } from "./judgements.ts";
import { measurementVerbs } from "./measurements.ts";
import { migrate, schemaFiles } from "./migrations.ts";
import { planVerbs } from "./plan.ts";
import { recoveryVerbs } from "./recoveries.ts";
import { useSchema } from "./schema-use.ts";
import { openSeries } from "./series.ts";
import { skipVerbs } from "./skips.ts";
import { statusVerbs } from "./status.ts";
import { stepVerbs } from "./steps.ts";
import type { Store } from "./store.ts";
import { testbedVerbs } from "./testbeds.ts";
import { trialVerbs } from "./trials.ts";

/** Connects at the first use, so a server that is down is told by the first verb. Call `migrate` once before others. */
export function openStore(databaseUrl: string): Store {
  const database = openDatabase(databaseUrl);
  const { verbs: seriesVerbs, close: closeSeries } = openSeries(database);
  return {
    migrate: async () => {
      await migrate(database, await schemaFiles());
    },
    useSchema: async () =>
      useSchema(
        databaseUrl,
        (await schemaFiles()).map(({ name }) => name),
      ),
    close: async () => {
      await closeSeries();
      await database.close();
    },
    ...testbedVerbs(database),
    ...planVerbs(database),
    ...extensionVerbs(database),
    ...campaignVerbs(database),
    ...skipVerbs(database),
    ...statusVerbs(database),
    ...trialVerbs(database),
    ...attemptVerbs(database),
    ...judgementVerbs(database),
    ...measurementVerbs(database),
    ...seriesVerbs,
    ...stepVerbs(database),
    ...recoveryVerbs(database),
  };
}
