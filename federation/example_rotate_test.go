package federation_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/entrafed/entrafed/federation"
)

// The signing key of a federated domain is replaced. The identity provider has the new key beside the old one; each step is
// made as soon as it may be. A program that is stopped in between is started again, and goes on.
func ExampleFederator_RotateStep() {
	clock := &clock{now: today}
	signs, next := keyCertificateOf(noTest{}, "old"), keyCertificateOf(noTest{}, "new")
	directory := newTenant().federated("contoso.com", configured(signs)) // stands in for an msgraph.Tenant
	keys := &provider{active: signs, other: next}                        // stands in for the identity provider

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
		status, err := fed.RotateStep(ctx, "contoso.com", keys, nil)
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

// noTest stands in for a test where there is none.
type noTest struct{ testing.TB }

func (noTest) Helper() {}

func (noTest) Errorf(format string, args ...any) { panic(fmt.Sprintf(format, args...)) }

func (noTest) FailNow() { panic("failed") }
