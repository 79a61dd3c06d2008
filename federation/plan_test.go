package federation_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/entrafed/entrafed/federation"
)

// planScenes are the plans of testdata/plan: as JSON, and as people see them.
func planScenes() map[string]func(*scene) {
	return map[string]func(*scene){
		"managed": func(s *scene) {
			s.SignOutURL, s.MFABehavior = "https://id.contoso.com/entra/logout", federation.AcceptMFA
		},
		"changed": func(s *scene) {
			live(s)
			s.change(func(c *federation.Configuration) { c.SignOutURI = "https://id.contoso.com/old" })
			s.DisplayName, s.SignedRequests = "Contoso", true
			s.NextSigningCertificate = armoured(other())
		},
		"equal": live,
		"default": func(s *scene) {
			s.domain("contoso.onmicrosoft.com").IsDefault, s.domain("contoso.com").IsDefault = false, true
			s.DefaultDomain = "contoso.onmicrosoft.com"
		},
		"foreign": func(s *scene) {
			s.federated("contoso.com", federation.Configuration{
				ID: "theirs", DisplayName: "Elsewhere", IssuerURI: "https://elsewhere.example.net",
				PassiveSignInURI: "https://elsewhere.example.net/sso", SigningCertificate: bare(other()),
				NextSigningCertificate: bare(other()), Protocol: federation.WSFed, PromptLogin: federation.NativePrompt,
			})
			s.Replace = "theirs"
		},
		"blocked": func(s *scene) {
			s.domain("contoso.com").IsVerified = false
			s.SigningCertificate = nil
			s.users = []federation.User{person("bo", "")}
		},
	}
}

// The files are written anew with UPDATE_GOLDEN=1.
func TestPlansAreAsInTheFiles(t *testing.T) {
	t.Parallel()
	for name, change := range planScenes() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			plan := newScene(t, change).plan()
			require.Regexp(t, `^[0-9a-f]{32}$`, plan.ID)
			plan.ID = strings.Repeat("0", 32)
			var document bytes.Buffer
			encoder := json.NewEncoder(&document)
			encoder.SetEscapeHTML(false)
			encoder.SetIndent("", "  ")
			require.NoError(t, encoder.Encode(plan))
			golden(t, "plan", name+".json", document.String())
			golden(t, "plan", name+".txt", plan.String())
		})
	}
}

func TestAManagedDomainIsFederatedByOneWrite(t *testing.T) {
	t.Parallel()
	plan := newScene(t).plan()
	require.Equal(t, federation.PurposeFederate, plan.Purpose)
	require.Equal(t, today, plan.Made)
	require.Len(t, plan.Writes, 1)
	w := plan.Writes[0]
	require.Equal(t, federation.CreateConfiguration, w.Operation)
	require.Equal(t, federation.Properties{
		"displayName": "contoso.com", "issuerUri": "https://id.contoso.com/entra/contoso.com",
		"passiveSignInUri": "https://id.contoso.com/entra/sso", "signingCertificate": bare(signing()),
		"preferredAuthenticationProtocol": "saml", "federatedIdpMfaBehavior": "rejectMfaByFederatedIdp",
		"isSignedAuthenticationRequestRequired": false,
	}, w.Body)
}

func TestAChangeWritesNothingButTheDifference(t *testing.T) {
	t.Parallel()
	plan := newScene(t, live, func(s *scene) {
		s.change(func(c *federation.Configuration) { c.SignOutURI = "https://id.contoso.com/old" })
		s.DisplayName = "Contoso"
	}).plan()
	require.Len(t, plan.Writes, 1)
	require.Equal(t, federation.ChangeConfiguration, plan.Writes[0].Operation)
	require.Equal(t, "ours", plan.Writes[0].ID)
	require.Equal(t, federation.Properties{"displayName": "Contoso", "signOutUri": nil}, plan.Writes[0].Body)
	require.Equal(t, []federation.Change{
		{Property: "displayName", From: "contoso.com", To: "Contoso"},
		{Property: "signOutUri", From: "https://id.contoso.com/old", To: nil},
	}, plan.Writes[0].Changes)
}

// What means the same in the tenant is left as it is.
func TestEqualIsNoChange(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(*federation.Configuration){
		"a certificate in lines": func(c *federation.Configuration) {
			c.SigningCertificate = c.SigningCertificate[:64] + "\r\n" + c.SigningCertificate[64:]
		},
		"the prompt that Entra takes when none is set": func(c *federation.Configuration) {
			c.PromptLogin = federation.TranslatePrompt
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			plan := newScene(t, live, func(s *scene) { s.change(change) }).plan()
			require.Empty(t, plan.Writes, "%s", plan)
		})
	}
}

func TestTheNextCertificate(t *testing.T) {
	t.Parallel()
	const property = "nextSigningCertificate"
	announced := func(s *scene) {
		live(s)
		s.change(func(c *federation.Configuration) { c.NextSigningCertificate = bare(other()) })
		s.DisplayName = "Contoso" // so that there is a write
	}
	ours := func(s *scene) { announced(s); s.Certificates = append(s.Certificates, bare(other())) }
	sent := func(s *scene) (any, bool) {
		plan := s.plan()
		require.Len(t, plan.Writes, 1)
		value, isSent := plan.Writes[0].Body[property]
		return value, isSent
	}

	_, isSent := sent(newScene(t, ours))
	require.False(t, isSent, "ours stays when the settings have none")

	_, isSent = sent(newScene(t, announced, func(s *scene) { s.NextSigningCertificate = other().Raw }))
	require.False(t, isSent, "it is the one of the settings")

	value, isSent := sent(newScene(t, announced))
	require.True(t, isSent, "somebody else's goes")
	require.Nil(t, value)

	value, isSent = sent(newScene(t, ours, func(s *scene) { s.SigningCertificate = other().Raw }))
	require.True(t, isSent, "one that becomes the first is no longer the next")
	require.Nil(t, value)
}

func TestTheDefaultDomainIsReplacedBeforeItIsFederated(t *testing.T) {
	t.Parallel()
	plan := newScene(t, planScenes()["default"]).plan()
	require.Len(t, plan.Writes, 2)
	require.Equal(t, federation.ChangeDomain, plan.Writes[0].Operation)
	require.Equal(t, "contoso.onmicrosoft.com", plan.Writes[0].Domain)
	require.Equal(t, federation.Properties{"isDefault": true}, plan.Writes[0].Body)
	require.Equal(t, federation.CreateConfiguration, plan.Writes[1].Operation)
	require.Equal(t, "contoso.com", plan.Before.DefaultDomain)

	plan = newScene(t, func(s *scene) { s.DefaultDomain = "contoso.onmicrosoft.com" }).plan()
	require.Len(t, plan.Writes, 1, "it is not the default domain")
}

func TestAForeignFederationIsOverwrittenWhole(t *testing.T) {
	t.Parallel()
	plan := newScene(t, planScenes()["foreign"]).plan()
	require.Len(t, plan.Writes, 1)
	require.Equal(t, federation.ChangeConfiguration, plan.Writes[0].Operation)
	require.Equal(t, "theirs", plan.Writes[0].ID)
	require.Equal(t, federation.Properties{
		"displayName": "contoso.com", "issuerUri": "https://id.contoso.com/entra/contoso.com",
		"passiveSignInUri": "https://id.contoso.com/entra/sso", "signingCertificate": bare(signing()),
		"nextSigningCertificate": nil, "preferredAuthenticationProtocol": "saml",
		"federatedIdpMfaBehavior": "rejectMfaByFederatedIdp", "promptLoginBehavior": nil,
	}, plan.Writes[0].Body)
}

// A federation without a certificate cannot be read or changed by anybody any more.
func TestNothingIsWrittenWithoutACertificate(t *testing.T) {
	t.Parallel()
	chain := append(armoured(signing()), armoured(other())...)
	for _, raw := range [][]byte{nil, []byte("   "), []byte("not a certificate"), chain} {
		require.Empty(t, newScene(t, func(s *scene) { s.SigningCertificate = raw }).plan().Writes)
	}
}

func TestNothingIsWrittenToADomainThatCannotBeFederated(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(*scene){
		"it may not be read": func(s *scene) { s.forbid("configuration contoso.com") },
		"it is broken":       func(s *scene) { live(s); s.bricked["contoso.com"] = true },
		"it is not verified": func(s *scene) { s.domain("contoso.com").IsVerified = false },
		"it is no root":      func(s *scene) { s.domain("contoso.com").IsRoot = false },
		"it is Microsoft's":  func(s *scene) { s.Domain = "contoso.onmicrosoft.com" },
		"it is not there":    func(s *scene) { delete(s.domains, "contoso.com") },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			require.Empty(t, newScene(t, change).plan().Writes)
		})
	}
}

func TestUsersThatCouldNotAllBeReadAreNotCounted(t *testing.T) {
	t.Parallel()
	pages := 0
	s := newScene(t, func(s *scene) {
		for i := range usersOfAPage + 1 {
			s.users = append(s.users, person(fmt.Sprintf("person%d", i), ""))
		}
		s.refuse = func(call string) error {
			if call != "users contoso.com" {
				return nil
			}
			if pages++; pages > 1 {
				return answer(call, http.StatusForbidden, "Authorization_RequestDenied", "no longer")
			}
			return nil
		}
	})
	found := s.plan().Findings
	require.Empty(t, ofRule(found, "users-without-immutable-id"))
	require.Len(t, ofRule(found, "not-looked-at"), 1)
}

func TestATenantThatCannotBeReadIsAnError(t *testing.T) {
	t.Parallel()
	s := newScene(t, func(s *scene) {
		s.refuse = func(call string) error {
			return answer(call, http.StatusUnauthorized, "InvalidAuthenticationToken", "")
		}
	})
	_, err := s.world().fed.Plan(context.Background(), s.Settings)
	require.ErrorIs(t, err, federation.ErrUnauthorized)
	require.ErrorContains(t, err, "contoso.com")
}

func TestAPlanIsGivenUpWithItsContext(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(context.Background())
	s := newScene(t, func(s *scene) {
		s.refuse = func(call string) error {
			if call == "administrators" {
				cancel()
			}
			return nil
		}
	})
	_, err := s.world().fed.Plan(ctx, s.Settings)
	require.ErrorIs(t, err, context.Canceled)
}

// failingStore cannot be read.
type failingStore struct{ federation.Store }

func (failingStore) Load(context.Context, string) ([]byte, error) {
	return nil, errors.New("the disk is gone")
}

func TestAStoreThatCannotBeReadIsAnError(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	fed, err := federation.New(federation.Config{Directory: s.tenant, Store: failingStore{}, Discovery: s.tenant})
	require.NoError(t, err)
	_, err = fed.Plan(context.Background(), s.Settings)
	require.ErrorContains(t, err, "the disk is gone")
}
