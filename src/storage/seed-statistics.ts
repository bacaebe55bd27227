import Sqlite from 'libsql'

// A script: writes planner statistics into the store whose file is its argument.
const db = new Sqlite(process.argv[2] as string)
db.exec(`ANALYZE; DELETE FROM sqlite_stat1;
  INSERT INTO sqlite_stat1 (tbl, idx, stat) VALUES
    ('items_tags', 'ix_items_tags_name_enc', '1000000 2000 4'),
    ('items_tags', 'ix_items_tags_name_plain', '1000000 2000 4'),
    ('items_tags', 'ix_items_tags_item_id', '1000000 8'),
    ('items', 'ix_items_uniq', '125000 1200 1200 300 1'),
    ('profiles', 'ix_profile_name', '100 1');`)
db.close()
