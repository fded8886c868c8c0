import { Connection } from "@temporalio/client";
import type { ConnectionOptions } from "@temporalio/client";
import { retentionDays, searchAttributes } from "../model/search-attributes.ts";

/** temporal.api.enums.v1.IndexedValueType. */
const typeNumber: Readonly<Record<string, number>> = { Keyword: 2, Int: 3 };
/** gRPC status codes. */
const [notFound, alreadyExists] = [5, 6];
const codeOf = (error: unknown): number | undefined => (error as { code?: number }).code;

/** What a server knows of a namespace. */
export interface NamespaceFacts {
  /** Null: the namespace does not exist. */
  readonly retentionDays: number | null;
  readonly missingAttributes: readonly string[];
  /** Attributes that exist with another type, which cannot be changed. */
  readonly otherTypes: readonly string[];
}

/** Runs `act` on a connection of its own. */
export async function withConnection<T>(
  options: ConnectionOptions,
  act: (connection: Connection) => Promise<T>,
): Promise<T> {
  const connection = await Connection.connect({ connectTimeout: 5000, ...options });
  try {
    return await act(connection);
  } finally {
    await connection.close();
  }
}

/** Reads only. @throws when the server does not answer. */
export async function namespaceFacts(
  connection: Connection,
  namespace: string,
): Promise<NamespaceFacts> {
  const names = Object.keys(searchAttributes);
  let seconds: number;
  try {
    const answer = await connection.workflowService.describeNamespace({ namespace });
    seconds = Number(answer.config?.workflowExecutionRetentionTtl?.seconds ?? 0);
  } catch (error) {
    if (codeOf(error) !== notFound) throw error;
    return { retentionDays: null, missingAttributes: names, otherTypes: [] };
  }
  // The server's cache learns of a new namespace seconds later (1.32.0).
  const known = await connection.operatorService
    .listSearchAttributes({ namespace })
    .catch(unlessIt(notFound));
  const typeOf = (name: string) => known?.customAttributes[name] as number | undefined;
  return {
    retentionDays: seconds / 86_400,
    missingAttributes: names.filter((name) => typeOf(name) === undefined),
    otherTypes: Object.entries(searchAttributes)
      .filter(([name, type]) => ![undefined, typeNumber[type]].includes(typeOf(name)))
      .map(([name]) => name),
  };
}

/**
 * Makes the namespace fit for Longhaul: it exists, keeps closed workflows `retentionDays` or longer, and
 * knows every search attribute. For the embedded server; `--search-attribute` of the dev server is
 * ignored without a word on an existing database (CLI 1.9.1). Idempotent.
 */
export async function prepareNamespace(connection: Connection, namespace: string): Promise<void> {
  const retention = { seconds: retentionDays * 86_400, nanos: 0 } as never;
  const facts = await namespaceFacts(connection, namespace);
  if (facts.otherTypes.length > 0)
    throw new Error(
      `Temporal namespace ${namespace}: search attributes of another type: ${facts.otherTypes.join(", ")}`,
    );
  if (facts.retentionDays === null)
    await connection.workflowService
      .registerNamespace({ namespace, workflowExecutionRetentionPeriod: retention })
      .catch(unlessIt(alreadyExists));
  else if (facts.retentionDays < retentionDays)
    await connection.workflowService.updateNamespace({
      namespace,
      config: { workflowExecutionRetentionTtl: retention },
    });
  if (facts.missingAttributes.length > 0)
    await connection.operatorService
      .addSearchAttributes({
        namespace,
        searchAttributes: Object.fromEntries(
          facts.missingAttributes.map((name) => [name, typeOfAttribute(name)]),
        ) as Record<string, never>,
      })
      .catch(unlessIt(alreadyExists));
}

const typeOfAttribute = (name: string): number | undefined =>
  Object.entries(searchAttributes)
    .filter(([known]) => known === name)
    .map(([, type]) => typeNumber[type])[0];

const unlessIt = (expected: number) => (error: unknown) => {
  if (codeOf(error) !== expected) throw error;
};
