// Package postgrestest gives tests a PostgreSQL: the one that DATABASE_URL names, or one that it starts from the machine's
// own binaries, in a temporary folder and without a network port.
package postgrestest
