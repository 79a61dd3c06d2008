//go:build !unix

package postgrestest

func startServer(string, Exec) (string, func(), error) { return "", nil, ErrNotInstalled }
