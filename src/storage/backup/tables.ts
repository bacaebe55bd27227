/** How a column is written in an archive: by the binary forms of Postgres. */
export type ColumnType = 'text' | 'bytea' | 'int2' | 'int8' | 'timestamp'

export interface Table {
  name: TableName
  columns: readonly (readonly [name: string, type: ColumnType])[]
}

export type TableName = 'config' | 'profiles' | 'items' | 'items_tags'

/** The tables of one of Askar's stores, format 1, in an order in which they can be filled. */
export const TABLES: readonly Table[] = [
  {
    name: 'config',
    columns: [
      ['name', 'text'],
      ['value', 'text'],
    ],
  },
  {
    name: 'profiles',
    columns: [
      ['id', 'int8'],
      ['name', 'text'],
      ['reference', 'text'],
      ['profile_key', 'bytea'],
    ],
  },
  {
    name: 'items',
    columns: [
      ['id', 'int8'],
      ['profile_id', 'int8'],
      ['kind', 'int2'],
      ['category', 'bytea'],
      ['name', 'bytea'],
      ['value', 'bytea'],
      ['expiry', 'timestamp'],
    ],
  },
  {
    name: 'items_tags',
    columns: [
      ['id', 'int8'],
      ['item_id', 'int8'],
      ['name', 'bytea'],
      ['value', 'bytea'],
      ['plaintext', 'int2'],
    ],
  },
]

export const columnsOf = ({ columns }: Table) => columns.map(([name]) => name).join(', ')

/** What a store is called in an archive: the shared one, or the 32 hex digits of a tenant's own. */
export const SHARED = 'shared'
export const OWN_NAME = /^[0-9a-f]{32}$/

/** As Askar makes them, so that it finds what it expects. */
export const SQLITE_TABLES = `
  CREATE TABLE config (name TEXT NOT NULL, value TEXT, PRIMARY KEY (name));
  CREATE TABLE profiles (
    id INTEGER NOT NULL, name TEXT NOT NULL, reference TEXT NULL, profile_key BLOB NULL, PRIMARY KEY (id));
  CREATE TABLE items (
    id INTEGER NOT NULL, profile_id INTEGER NOT NULL, kind INTEGER NOT NULL, category BLOB NOT NULL,
    name BLOB NOT NULL, value BLOB NOT NULL, expiry DATETIME NULL, PRIMARY KEY (id),
    FOREIGN KEY (profile_id) REFERENCES profiles (id) ON DELETE CASCADE ON UPDATE CASCADE);
  CREATE TABLE items_tags (
    id INTEGER NOT NULL, item_id INTEGER NOT NULL, name BLOB NOT NULL, value BLOB NOT NULL, plaintext BOOLEAN NOT NULL,
    PRIMARY KEY (id),
    FOREIGN KEY (item_id) REFERENCES items (id) ON DELETE CASCADE ON UPDATE CASCADE);`

export const SQLITE_INDEXES = `
  CREATE UNIQUE INDEX ix_profile_name ON profiles (name);
  CREATE UNIQUE INDEX ix_items_uniq ON items (profile_id, kind, category, name);
  CREATE INDEX ix_items_tags_item_id ON items_tags (item_id);
  CREATE INDEX ix_items_tags_name_enc ON items_tags (name, SUBSTR(value, 1, 12)) WHERE plaintext=0;
  CREATE INDEX ix_items_tags_name_plain ON items_tags (name, value) WHERE plaintext=1;`

/** `schema` is quoted. */
export const postgresTables = (schema: string) => `
  CREATE TABLE ${schema}.config (name TEXT NOT NULL, value TEXT, PRIMARY KEY (name));
  CREATE TABLE ${schema}.profiles (
    id BIGSERIAL, name TEXT NOT NULL, reference TEXT NULL, profile_key BYTEA NULL, PRIMARY KEY (id));
  CREATE TABLE ${schema}.items (
    id BIGSERIAL, profile_id BIGINT NOT NULL, kind SMALLINT NOT NULL, category BYTEA NOT NULL, name BYTEA NOT NULL,
    value BYTEA NOT NULL, expiry TIMESTAMP NULL, PRIMARY KEY (id));
  CREATE TABLE ${schema}.items_tags (
    id BIGSERIAL, item_id BIGINT NOT NULL, name BYTEA NOT NULL, value BYTEA NOT NULL, plaintext SMALLINT NOT NULL,
    PRIMARY KEY (id));`

/** After the rows, which are then checked and sorted once. */
export const postgresIndexes = (schema: string) => `
  CREATE UNIQUE INDEX ix_profile_name ON ${schema}.profiles (name);
  CREATE UNIQUE INDEX ix_items_uniq ON ${schema}.items (profile_id, kind, category, name);
  CREATE INDEX ix_items_tags_item_id ON ${schema}.items_tags (item_id);
  CREATE INDEX ix_items_tags_name_enc ON ${schema}.items_tags (name, SUBSTR(value, 1, 12)) INCLUDE (item_id)
    WHERE plaintext=0;
  CREATE INDEX ix_items_tags_name_plain ON ${schema}.items_tags (name, value) INCLUDE (item_id) WHERE plaintext=1;
  ALTER TABLE ${schema}.items ADD FOREIGN KEY (profile_id) REFERENCES ${schema}.profiles (id)
    ON DELETE CASCADE ON UPDATE CASCADE;
  ALTER TABLE ${schema}.items_tags ADD FOREIGN KEY (item_id) REFERENCES ${schema}.items (id)
    ON DELETE CASCADE ON UPDATE CASCADE;
  ${['profiles', 'items', 'items_tags']
    .map(
      (table) =>
        `SELECT setval('${schema}.${table}_id_seq', coalesce(max(id), 1), count(*) > 0) FROM ${schema}.${table};`,
    )
    .join('\n  ')}`
