/** Names of the tables as SQL has them. */

const NAME = "drizzle:Name"; // where drizzle keeps it

/** @param schema exports of ponder.schema.ts; what is no table is passed over */
export const tableNames = (schema: object): string[] =>
  Object.values(schema).flatMap((one) => {
    const name = Object.getOwnPropertySymbols(one).find(({ description }) => description === NAME);
    return name === undefined ? [] : [String(Reflect.get(one, name))];
  });
