package entitlement_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/entrafed/entrafed/examples/internal/entitlement"
	"github.com/entrafed/entrafed/provision"
)

func TestSharesAreThoseOfTheRulesThatProvision(t *testing.T) {
	t.Parallel()
	everybody := []string{"staff"}
	require.Equal(t, []entitlement.Share[string]{{Gets: everybody}}, entitlement.Shares(nil, everybody, entitlement.Groups))
	rules := []provision.ConnectionRule{
		{Name: "skipped", Action: provision.ActionSkip, Groups: []string{"a"}},
		{Name: "like everybody", Action: provision.ActionProvision},
		{Name: "nothing", Action: provision.ActionProvision, Groups: []string{}},
		{Name: "other", Action: provision.ActionProvision, Groups: []string{"b"}},
		{Name: "refused", Action: provision.ActionRefuse},
	}
	require.Equal(t, []entitlement.Share[string]{
		{Rule: "like everybody", Gets: everybody}, {Rule: "nothing", Gets: []string{}}, {Rule: "other", Gets: []string{"b"}},
	}, entitlement.Shares(rules, everybody, entitlement.Groups))
}
