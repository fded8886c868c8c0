/** Whether a Temporal server is as campaigns need it: reachable, namespace, retention, search attributes. */
import { retentionDays, searchAttributes } from "../model/search-attributes.ts";
import { shellWord } from "../remote/shell-word.ts";
import type { TemporalEndpoint } from "../services/endpoints.ts";
import { namespaceFacts, withConnection } from "../services/temporal-namespace.ts";
import type { NamespaceFacts } from "../services/temporal-namespace.ts";
import type { Check } from "./doctor.ts";

/** The name of the check that says whether the server answers. */
export const temporalServer = "Temporal server";

/** gRPC status codes of a server that answers, but not to this one. */
const refusals: Readonly<Record<number, string>> = {
  7: "PERMISSION_DENIED",
  16: "UNAUTHENTICATED",
};

/** Reads only. Each failing line comes with the command that mends it; `cli`: how the `temporal` program is called here. */
export async function temporalChecks(temporal: TemporalEndpoint, cli: string): Promise<Check[]> {
  const { address, namespace } = temporal;
  const order = (words: string, flags = "") =>
    `${shellWord(cli)} operator ${words} --namespace ${shellWord(namespace)} --address ${shellWord(address)}${flags}`;
  try {
    const facts = await withConnection({ ...temporal.connection, address }, (connection) =>
      namespaceFacts(connection, namespace),
    );
    return [
      { name: temporalServer, result: "ok", detail: `${address} answers`, mend: null },
      ...(facts.retentionDays === null
        ? [
            {
              name: "namespace",
              result: "fail",
              detail: `${address} has no namespace ${namespace}`,
              mend: order("namespace create", ` --retention ${retentionDays * 24}h`),
            } as const,
          ]
        : [
            { name: "namespace", result: "ok", detail: namespace, mend: null } as const,
            retention(facts.retentionDays, order),
          ]),
      attributes(facts, order),
    ];
  } catch (error) {
    const errors = withCauses(error);
    const refusal = refusals[errors.find(({ code }) => code !== undefined)?.code ?? 0];
    const said = [...new Set(errors.map(({ message }) => message))].join(": ");
    return [
      {
        name: temporalServer,
        result: "fail",
        detail: `${address}, namespace ${namespace}: ${said}`,
        mend:
          refusal === undefined
            ? "look at TEMPORAL_ADDRESS, TEMPORAL_TLS* and whether the server runs"
            : `rights on the namespace for this identity (${refusal}): look at TEMPORAL_API_KEY or TEMPORAL_TLS_CLIENT_CERT_PATH`,
      },
    ];
  }
}

/** The SDK says that it did not connect; what the server said is a cause of it. */
function withCauses(error: unknown): { message: string; code?: number }[] {
  if (!(error instanceof Error)) return [{ message: String(error) }];
  return [error, ...(error.cause === undefined ? [] : withCauses(error.cause))];
}

type Order = (words: string, flags?: string) => string;

function retention(days: number, order: Order): Check {
  const enough = days >= retentionDays;
  return {
    name: "retention",
    result: enough ? "ok" : "fail",
    detail: `closed workflows are kept for ${Math.round(days * 10) / 10} days, campaigns need ${retentionDays}`,
    mend: enough ? null : order("namespace update", ` --retention ${retentionDays * 24}h`),
  };
}

function attributes(
  { retentionDays: kept, missingAttributes: missing, otherTypes }: NamespaceFacts,
  order: Order,
): Check {
  if (missing.length === 0 && otherTypes.length === 0)
    return { name: "search attributes", result: "ok", detail: "all registered", mend: null };
  const wrong = [
    ...(missing.length > 0 ? [`missing: ${missing.join(", ")}`] : []),
    ...(otherTypes.length > 0 ? [`of another type: ${otherTypes.join(", ")}`] : []),
  ];
  const create = Object.entries(searchAttributes)
    .filter(([name]) => missing.includes(name))
    .map(([name, type]) => ` --name ${name} --type ${type}`)
    .join("");
  return {
    name: "search attributes",
    result: "fail",
    detail: `${wrong.join("; ")}${kept === null ? " (the server knows a new namespace after some seconds)" : ""}`,
    mend:
      otherTypes.length > 0
        ? "another namespace (TEMPORAL_NAMESPACE): types cannot be changed"
        : order("search-attribute create", create),
  };
}
