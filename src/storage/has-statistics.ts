import Sqlite from 'libsql'

// A script: ends with 0 where the store whose file is its argument has planner statistics, else with 1.
const db = new Sqlite(process.argv[2] as string)
const { count } = db.prepare(`SELECT count(*) AS count FROM sqlite_master WHERE name = 'sqlite_stat1'`).get() as {
  count: number
}
process.exitCode = count > 0 && db.prepare('SELECT 1 FROM sqlite_stat1').get() ? 0 : 1
db.close()
