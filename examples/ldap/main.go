// Ldap is a website whose people stand in a directory, such as Active Directory or OpenLDAP, and has gained a sign-in to
// Microsoft 365. What it had to add is between the two marks; the Microsoft 365 is simulated, and so is the directory, unless
// yours is named.
//
//	go run ./examples/ldap
//	LDAP_BIND_PASSWORD=… go run ./examples/ldap -url ldaps://dc1.contoso.com -base-dn DC=contoso,DC=com -bind-dn CN=entra,…
package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"log/slog"
	"net/http"
	"os"

	"github.com/entrafed/entrafed/adapters/ldap"
	"github.com/entrafed/entrafed/examples/internal/command"
	"github.com/entrafed/entrafed/examples/internal/demonstration"
)

func main() { (&settings{bindPassword: os.Getenv(passwordVariable)}).show().Main() }

// newWebsite is the website. It has no sign-in page: the Bridge asks for the name and the password.
func (s *settings) newWebsite(_ context.Context, demo *demonstration.Demonstration) (http.Handler, error) {
	if err := s.needDirectory(demo); err != nil {
		return nil, err
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", demonstration.Home)
	// entrafed: begin
	host, err := ldap.New(ldap.Config{
		Kind: s.kind(), URLs: []string{s.url}, TLS: &tls.Config{RootCAs: s.roots}, BaseDN: s.baseDN,
		BindDN: s.bindDN, BindPassword: s.bindPassword, Connection: "directory", Logger: slog.Default(),
	})
	if err != nil {
		return nil, err
	}
	bridge, err := demo.Bridge(host)
	if err != nil {
		return nil, err
	}
	mux.Handle("/entra/", bridge)
	// entrafed: end
	return mux, nil
}

// settings are what the command line and the environment say about the directory.
type settings struct {
	url, baseDN, bindDN, bindPassword string
	openLDAP                          bool
	roots                             *x509.CertPool // nil: the system's
}

const passwordVariable = "LDAP_BIND_PASSWORD"

func (s *settings) show() demonstration.Show {
	show := demonstration.Show{
		Name: "ldap", Adapter: "ldap", Host: s.newWebsite, Check: s.check,
		Is: `ldap is a website whose people stand in a directory, and has gained a sign-in to Microsoft 365. Without -url the
directory runs on this machine as well. Yours is asked with -url, -base-dn and -bind-dn, and with the password of the account
that searches in ` + passwordVariable + `. It is spoken to by TLS alone: by ldaps://, or by ldap:// and StartTLS.`,
	}
	show.Flags.Add(&s.url, "url", "URL", "your directory: ldaps://dc1.contoso.com")
	show.Flags.Add(&s.baseDN, "base-dn", "DN", "below which people stand: DC=contoso,DC=com")
	show.Flags.Add(&s.bindDN, "bind-dn", "DN", "the account that searches for them")
	show.Flags.Add(&s.openLDAP, "openldap", "", "it is OpenLDAP, or another that has entryUUID; else it is Active Directory")
	return show
}

func (s *settings) check() error {
	if s.url == "" {
		if s.baseDN != "" || s.bindDN != "" || s.openLDAP {
			return errors.New("-base-dn, -bind-dn and -openldap are for a directory of yours: name it with -url")
		}
		return nil
	}
	var wrong command.Problems
	wrong.If(s.baseDN == "", "-base-dn is missing: below which entry people stand")
	wrong.If(s.bindDN == "", "-bind-dn is missing: the account that searches for people")
	wrong.If(s.bindPassword == "", "%s is missing in the environment: the password of that account", passwordVariable)
	return wrong.Err()
}

func (s *settings) kind() ldap.Kind {
	if s.openLDAP {
		return ldap.OpenLDAP
	}
	return ldap.ActiveDirectory
}

// needDirectory starts a directory if none is named.
func (s *settings) needDirectory(demo *demonstration.Demonstration) error {
	if s.url != "" {
		demo.Visitor = "somebody of " + s.url
		return nil
	}
	local, err := startDirectory(demo)
	if err != nil {
		return err
	}
	*s = settings{
		url: local.url, baseDN: baseDN, bindDN: searchDN, bindPassword: local.searchPassword, openLDAP: true, roots: local.roots,
	}
	return nil
}
