package main

import "crypto"

// Names of paths, as they are printed.
const (
	nameFloor     = "floor"
	nameOurs      = "ours"
	nameGoxmldsig = "goxmldsig"
	nameCrewjam   = "crewjam"
	nameRead      = "read"
)

// issue makes one response and returns the value of the form field SAMLResponse. It may be called by several goroutines
// at once.
type issue func() (string, error)

// path is a way to issue a response.
type path struct {
	name  string
	issue issue
}

// newPaths returns the ways to issue a response, in the order in which they are printed.
func newPaths(s *signIn, key crypto.Signer) ([]path, error) {
	var paths []path
	for _, p := range []struct {
		name string
		make func(*signIn, crypto.Signer) (issue, error)
	}{
		{nameOurs, ours},
		{nameGoxmldsig, goxmldsig},
		{nameCrewjam, crewjam},
	} {
		issue, err := p.make(s, key)
		if err != nil {
			return nil, err
		}
		paths = append(paths, path{p.name, issue})
	}
	return paths, nil
}
