package main

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/entrafed/entrafed/examples/internal/keyfile"
	"github.com/entrafed/entrafed/federation"
	"github.com/entrafed/entrafed/provision"
)

// settings are what the flags say of the domain.
func (s *session) settings(ctx context.Context) (federation.Settings, error) {
	f := s.flags
	idp, err := s.identityProvider(ctx)
	if err != nil {
		return federation.Settings{}, err
	}
	out := federation.Settings{
		Domain: s.domain, Issuer: idp.Issuer, SignInURL: idp.SignInURL, DisplayName: f.displayName,
		SignOutURL: f.signOutURL, ActiveSignInURL: f.activeSignInURL, MetadataURL: f.metadataURL,
		PasswordResetURL: f.passwordResetURL, Protocol: protocols()[f.protocol], MFABehavior: mfaBehaviors()[f.mfa],
		PromptLogin: promptLogins()[f.promptLogin], DefaultDomain: strings.ToLower(f.defaultDomain),
		SignedRequests: f.signedRequests || idp.SignedRequests != nil && *idp.SignedRequests,
		Replace:        f.replace, InsecureNoAdministrator: f.noAdministrator, ImmutableID: f.rule(),
	}
	if len(idp.Certificates) > 0 {
		out.SigningCertificate = idp.Certificates[0].Raw
	}
	if len(idp.Certificates) > 1 {
		out.NextSigningCertificate = idp.Certificates[1].Raw
	}
	return out, missing(out)
}

// missing says which settings nobody gave, all at once.
func missing(s federation.Settings) error {
	var errs []error
	for _, one := range []struct {
		is   bool
		flag string
	}{
		{s.Issuer != "", "-issuer URI"}, {s.SignInURL != "", "-sign-in-url URL"},
		{len(s.SigningCertificate) > 0, "-certificate FILE"},
	} {
		if !one.is {
			errs = append(errs, fmt.Errorf("%s is missing: give it, or -metadata, which has it", one.flag))
		}
	}
	return errors.Join(errs...)
}

// rule is by what the identity provider makes the NameID, or nil.
func (f *flags) rule() func(federation.User) string {
	source := sources()[f.immutableID]
	if source == nil {
		return nil
	}
	return func(u federation.User) string {
		value := source(provision.User{UserPrincipalName: u.UserPrincipalName, Mail: u.Mail, EmployeeID: u.EmployeeID})
		if value != "" && f.connection != "" {
			value = provision.ImmutableIDFromSubject(f.connection, value)
		}
		return value
	}
}

// identityProvider is what the flags, and the metadata that they name, say of it. What a flag says goes before metadata.
func (s *session) identityProvider(ctx context.Context) (idp federation.IdentityProvider, err error) {
	f := s.flags
	if f.metadata != "" {
		if idp, err = s.readMetadata(ctx); err != nil {
			return idp, err
		}
	}
	if f.issuer != "" {
		idp.Issuer = f.issuer
	}
	if f.signInURL != "" {
		idp.SignInURL = f.signInURL
	}
	if protocol := protocols()[f.protocol]; protocol != "" {
		idp.Protocol = protocol
	}
	if f.secondFactor != "" {
		tells := f.secondFactor == "yes"
		idp.MFA = &tells
	}
	idp.Certificates, err = f.certificates(idp.Certificates, s.Now())
	return idp, err
}

// readMetadata reads the metadata of a file or a URL.
func (s *session) readMetadata(ctx context.Context) (federation.IdentityProvider, error) {
	from := s.flags.metadata
	if isURL(from) {
		return federation.FetchMetadata(ctx, &http.Client{Transport: s.Transport, Timeout: metadataTimeout}, from,
			federation.MetadataOptions{Now: s.Now})
	}
	document, err := keyfile.Read(from)
	if err != nil {
		return federation.IdentityProvider{}, fmt.Errorf("-metadata: %w", err)
	}
	idp, err := federation.ReadMetadata(document)
	if err != nil {
		err = fmt.Errorf("-metadata %s: %w", from, err)
	}
	return idp, err
}

const metadataTimeout = 20 * time.Second

func isURL(text string) bool { return strings.Contains(text, "://") }

// certificates are that of the key that signs and, if there is one, that of the other key. Metadata may have more: those
// that have expired are passed over, unless it is the first.
func (f *flags) certificates(published []*x509.Certificate, now time.Time) (all []*x509.Certificate, err error) {
	for i, c := range published {
		if i == 0 || len(all) < 2 && !now.After(c.NotAfter) {
			all = append(all, c)
		}
	}
	if f.certificate != "" {
		c, err := readCertificate("-certificate", f.certificate)
		if err != nil {
			return nil, err
		}
		all = append([]*x509.Certificate{c}, all...)[:1]
	}
	if f.nextCertificate != "" {
		c, err := readCertificate("-next-certificate", f.nextCertificate)
		switch {
		case err != nil:
			return nil, err
		case len(all) == 0:
			return nil, errors.New("-next-certificate goes with -certificate or -metadata: which key signs now?")
		}
		all = append(all[:1], c)
	}
	return all, nil
}

func readCertificate(flag, path string) (*x509.Certificate, error) {
	content, err := keyfile.Read(path)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", flag, err)
	}
	found, err := keyfile.ParseCertificates(content)
	switch {
	case err != nil:
		return nil, fmt.Errorf("%s %s: %w", flag, path, err)
	case len(found) > 1:
		return nil, fmt.Errorf("%s %s holds %d certificates: give the one of the signing key alone, without a chain", flag, path,
			len(found))
	}
	return found[0], nil
}
