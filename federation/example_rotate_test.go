package federation_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/entrafed/entrafed/federation"
	"github.com/entrafed/entrafed/saml"
)

// An identity provider of package saml is the keys of a rotation, and can be told to switch.
var (
	_ federation.Keys     = (*saml.IdentityProvider)(nil)
	_ federation.Switcher = (*saml.IdentityProvider)(nil)
	_ federation.Keys     = (*saml.GuestIdentityProvider)(nil)
	_ federation.Switcher = (*saml.GuestIdentityProvider)(nil)
)

// The signing key of a federated domain is replaced, in the program of the identity provider itself. It has the new key beside
// the old one; each step is made as soon as it may be. A program that is stopped in between is started again, and goes on.
func ExampleFederator_RotateStep() {
	clock := &clock{now: today}
	signs, next := exampleSigner("old"), exampleSigner("new")                        // of a file, a KMS or an HSM
	directory := newTenant().federated("contoso.com", configured(signs.Certificate)) // stands in for an msgraph.Tenant

	idp, err := saml.New(saml.Config{
		SingleSignOnService: "https://id.contoso.com/entra/sso",
		Realms:              []saml.Realm{{Domain: "contoso.com", Issuer: "https://id.contoso.com/entra/contoso.com"}},
		Signer:              signs,
		NextSigner:          next,      // or SetNextSigner, later
		Now:                 clock.Now, // leave out in production
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	fed, err := federation.New(federation.Config{
		Directory: directory,
		Store:     federation.NewMemoryStore(), // in production NewFileStore: it has to outlive the program
		Discovery: directory,                   // leave out these three in production
		Now:       clock.Now,
		Sleep:     clock.Sleep,
	})
	if err != nil {
		fmt.Println(err)
		return
	}

	ctx := context.Background()
	for {
		status, err := fed.RotateStep(ctx, "contoso.com", idp, nil)
		switch {
		case errors.Is(err, federation.ErrTooEarly):
			wait := status.NotBefore.Sub(clock.Now())
			fmt.Println("waiting", wait.Round(time.Minute))
			if err := clock.Sleep(ctx, wait); err != nil {
				return
			}
			continue
		case err != nil:
			fmt.Println(err)
			return
		}
		fmt.Printf("%s: %s signs\n", status.Stage, status.Signing.Subject)
		if status.Stage == federation.RotationIdle {
			return
		}
	}
	// Output:
	// announced: CN=old signs
	// waiting 2h0m0s
	// switched: CN=new signs
	// promoted: CN=new signs
	// waiting 2h0m0s
	// idle: CN=new signs
}

// exampleSigner is a key of the identity provider with its certificate.
func exampleSigner(name string) saml.Signer {
	return saml.Signer{Key: signingKeys()[name], Certificate: keyCertificateOf(noTest{}, name)}
}

// noTest stands in for a test where there is none.
type noTest struct{ testing.TB }

func (noTest) Helper() {}

func (noTest) Errorf(format string, args ...any) { panic(fmt.Sprintf(format, args...)) }

func (noTest) FailNow() { panic("failed") }
