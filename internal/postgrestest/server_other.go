//go:build !unix

package postgrestest

func startServer(string, Ping) (string, func(), error) { return "", nil, ErrNotInstalled }
