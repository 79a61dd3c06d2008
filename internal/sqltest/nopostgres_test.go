//go:build !unix

package sqltest

// startPostgres is for systems with Unix sockets and users.
func startPostgres(string) (url string, stop func(), err error) { return "", nil, errNoPostgres }
