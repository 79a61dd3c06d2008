package main

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net"
	"slices"
	"strings"
	"time"

	ber "github.com/go-asn1-ber/asn1-ber"
	goldap "github.com/go-ldap/ldap/v3"
	"github.com/hashicorp/go-hclog"
	"github.com/jimlambrt/gldap"

	"github.com/entrafed/entrafed/examples/internal/accounts"
	"github.com/entrafed/entrafed/examples/internal/demonstration"
)

const (
	baseDN   = "dc=contoso,dc=com"
	searchDN = "cn=entra,ou=services," + baseDN
)

// directory is one on this machine, with the people of package accounts and the account that searches for them. It speaks
// nothing but TLS, and keeps nothing.
type directory struct {
	url            string // ldaps://
	roots          *x509.CertPool
	searchPassword string

	server *gldap.Server
}

// startDirectory starts one that lasts as long as the demonstration.
func startDirectory(demo *demonstration.Demonstration) (*directory, error) {
	signer, err := demonstration.ThrowAwaySigner(time.Now(), net.IPv4(127, 0, 0, 1))
	if err != nil {
		return nil, err
	}
	d := &directory{roots: x509.NewCertPool(), searchPassword: rand.Text()}
	d.roots.AddCert(signer.Certificate)
	log := listening{hclog.NewNullLogger(), make(chan net.Addr, 1)}
	if d.server, err = d.newServer(log); err != nil {
		return nil, err
	}
	failed := make(chan error, 1)
	go func() {
		failed <- d.server.Run("127.0.0.1:0", gldap.WithTLSConfig(&tls.Config{
			MinVersion:   tls.VersionTLS12,
			Certificates: []tls.Certificate{{Certificate: [][]byte{signer.Certificate.Raw}, PrivateKey: signer.Key}},
		}))
	}()
	select {
	case at := <-log.at:
		d.url = "ldaps://" + at.String()
	case err := <-failed:
		return nil, errors.Join(errors.New("the directory does not start"), err)
	}
	demo.AtEnd(d.stop)
	return d, nil
}

// listening is a log in which gldap says where it listens; it says so nowhere else.
type listening struct {
	hclog.Logger
	at chan net.Addr
}

// Info implements [hclog.Logger].
func (l listening) Info(_ string, about ...any) {
	for _, one := range about {
		if at, is := one.(net.Addr); is {
			l.at <- at
		}
	}
}

// stop waits for whoever is still asking, unless ctx ends.
func (d *directory) stop(ctx context.Context) error {
	stopped := make(chan error, 1)
	go func() { stopped <- d.server.Stop() }()
	select {
	case err := <-stopped:
		return err
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (d *directory) newServer(log hclog.Logger) (*gldap.Server, error) {
	server, err := gldap.NewServer(gldap.WithLogger(log))
	if err != nil {
		return nil, err
	}
	mux, err := gldap.NewMux()
	if err != nil {
		return nil, err
	}
	return server, errors.Join(mux.Bind(d.bind), mux.Search(d.search), server.Router(mux))
}

// bind says whether a password is that of an entry.
func (d *directory) bind(w *gldap.ResponseWriter, r *gldap.Request) {
	answer := r.NewBindResponse(gldap.WithResponseCode(gldap.ResultInvalidCredentials))
	if asked, err := r.GetSimpleBindMessage(); err == nil && d.right(asked.UserName, string(asked.Password)) {
		answer.SetResultCode(gldap.ResultSuccess)
	}
	_ = w.Write(answer) // whoever is gone does not hear it
}

func (d *directory) right(dn, password string) bool {
	wanted, known := d.searchPassword, strings.EqualFold(dn, searchDN)
	for _, account := range accounts.Known() {
		if strings.EqualFold(dn, entry(account).DN) {
			wanted, known = accounts.Password, true
		}
	}
	return known && subtle.ConstantTimeCompare([]byte(password), []byte(wanted)) == 1
}

// search answers with the people to whom the filter applies, wherever below the base it looks for them.
func (d *directory) search(w *gldap.ResponseWriter, r *gldap.Request) {
	done := r.NewSearchDoneResponse(gldap.WithResponseCode(gldap.ResultProtocolError))
	defer func() { _ = w.Write(done) }()
	asked, err := r.GetSearchMessage()
	if err != nil {
		return
	}
	filter, err := goldap.CompileFilter(asked.Filter)
	if err != nil {
		return
	}
	for _, account := range accounts.Known() {
		found := entry(account)
		if !applies(filter, found) {
			continue
		}
		answer := r.NewSearchResponseEntry(found.DN)
		for _, attribute := range found.Attributes {
			answer.AddAttribute(attribute.Name, attribute.Values)
		}
		_ = w.Write(answer)
	}
	done.SetResultCode(gldap.ResultSuccess)
}

// entry is somebody as directories have them.
func entry(account accounts.Account) *gldap.Entry {
	return gldap.NewEntry("uid="+account.Name+",ou=people,"+baseDN, map[string][]string{
		"objectClass": {"inetOrgPerson"}, "uid": {account.Name}, "mail": {account.Email}, "displayName": {account.DisplayName},
		"givenName": {account.GivenName}, "sn": {account.Surname}, "entryUUID": {account.ID},
	})
}

// applies reports whether a filter of "and", "or" and "equals" applies. No other one does.
func applies(filter *ber.Packet, e *gldap.Entry) bool {
	below := func(part *ber.Packet) bool { return applies(part, e) }
	switch filter.Tag {
	case goldap.FilterAnd:
		return !slices.ContainsFunc(filter.Children, func(part *ber.Packet) bool { return !below(part) })
	case goldap.FilterOr:
		return slices.ContainsFunc(filter.Children, below)
	case goldap.FilterEqualityMatch:
		wanted := filter.Children[1].Data.String()
		return slices.ContainsFunc(e.GetAttributeValues(filter.Children[0].Data.String()), func(value string) bool {
			return strings.EqualFold(value, wanted)
		})
	}
	return false
}
