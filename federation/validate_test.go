package federation_test

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/entrafed/entrafed/federation"
)

func TestAPlanThatIsReadIsTheOneThatWasStored(t *testing.T) {
	t.Parallel()
	for name, change := range planScenes() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			plan := newScene(t, change).plan()
			document, err := json.Marshal(plan)
			require.NoError(t, err)
			read, err := federation.ReadPlan(strings.NewReader(string(document)))
			require.NoError(t, err)
			require.Equal(t, plan, read)
		})
	}
}

// Plans of other purposes than to federate can be stored as well.
func TestEveryKindOfPlanCanBeStored(t *testing.T) {
	t.Parallel()
	for name, plan := range map[string]func(t *testing.T) (*federation.Plan, error){
		"promote": func(t *testing.T) (*federation.Plan, error) {
			p := newPatient(t)
			p.child()
			return p.domainPlan("promote-"), nil
		},
		"promote, below a managed one": func(t *testing.T) (*federation.Plan, error) {
			p := newPatient(t)
			p.child()
			p.domains["hr.contoso.com"].AuthenticationType = federation.Managed
			return p.domainPlan("promote-"), nil
		},
		"make default": func(t *testing.T) (*federation.Plan, error) {
			p := newPatient(t)
			p.replace("contoso.com", nil)
			return p.domainPlan("default-"), nil
		},
		"revert": func(t *testing.T) (*federation.Plan, error) {
			return newScene(t, live).world().fed.PlanRevert(t.Context(), federation.RevertSettings{Domain: "contoso.com"})
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			plan, err := plan(t)
			require.NoError(t, err)
			require.NotEmpty(t, plan.Writes)
			document, err := json.Marshal(plan)
			require.NoError(t, err)
			read, err := federation.ReadPlan(strings.NewReader(string(document)))
			require.NoError(t, err)
			require.Equal(t, plan, read)
		})
	}
}

func TestAPromotionShowsWhatItBringsAboutAndNothingElse(t *testing.T) {
	t.Parallel()
	for _, change := range []federation.Change{
		{Property: "isVerified", To: true}, {Property: "isRoot", To: false},
		{Property: "authenticationType", From: federation.Managed, To: federation.Federated},
	} {
		p := newPatient(t)
		p.child()
		plan := p.domainPlan("promote-")
		plan.Writes[0].Changes = []federation.Change{change}
		require.ErrorContains(t, plan.Validate(), "shows "+change.Property)
	}
}

func TestAPlanFromElsewhereIsRefused(t *testing.T) {
	t.Parallel()
	create := func(p *federation.Plan) *federation.Write { return &p.Writes[0] }
	for _, c := range []struct {
		rule   string
		scene  string // of planScenes
		breaks func(*federation.Plan)
		says   string
	}{
		{"an ID", "managed", func(p *federation.Plan) { p.ID = "../../etc" }, "32 hexadecimal"},
		{"a purpose", "managed", func(p *federation.Plan) { p.Purpose = "delete" }, "purpose"},
		{"a purpose that no plan has", "managed", func(p *federation.Plan) { p.Purpose = federation.PurposeDiagnose }, "purpose"},
		{"a domain", "managed", func(p *federation.Plan) { p.Domain = "contoso" }, "not a domain name"},
		{"when it was made", "managed", func(p *federation.Plan) { p.Made = time.Time{} }, "when it was made"},
		{"the state of its domain", "managed", func(p *federation.Plan) { p.Before.Domain.Name = "fabrikam.com" }, "before"},
		{"an operation", "managed", func(p *federation.Plan) { create(p).Operation = "delete tenant" }, "delete tenant"},
		{"its own domain", "managed", func(p *federation.Plan) { create(p).Domain = "fabrikam.com" }, "fabrikam.com"},
		{"a certificate", "managed", func(p *federation.Plan) {
			delete(create(p).Body, "signingCertificate")
			create(p).Changes = nil
		}, "without a signing certificate"},
		{"a certificate that is one", "managed", func(p *federation.Plan) {
			create(p).Body["signingCertificate"] = "AAAA"
		}, "the signingCertificate cannot be read"},
		{"properties of a federation", "managed", func(p *federation.Plan) {
			create(p).Body["passwordCredentials"] = "x"
		}, "passwordCredentials"},
		{"simple values", "managed", func(p *federation.Plan) {
			create(p).Body["issuerUri"] = map[string]any{"a": "b"}
		}, "issuerUri is neither"},
		{"no ID of what is to be created", "managed", func(p *federation.Plan) { create(p).ID = "x" }, "nothing to use it for"},
		{"to show what it sends", "managed", func(p *federation.Plan) {
			create(p).Body["issuerUri"] = "https://elsewhere.example.net"
		}, "sends another issuerUri than it shows"},
		{"to send what it shows", "managed", func(p *federation.Plan) {
			create(p).Changes = append(create(p).Changes, federation.Change{Property: "signOutUri2", To: "x"})
		}, "shows signOutUri2"},
		{"to show it once", "managed", func(p *federation.Plan) {
			create(p).Changes = append(create(p).Changes, create(p).Changes[0])
		}, "twice"},
		{"to keep the certificate", "changed", func(p *federation.Plan) {
			create(p).Body["signingCertificate"] = nil
			create(p).Changes = append(create(p).Changes, federation.Change{Property: "signingCertificate"})
		}, "leave a federation without"},
		{"the ID of what is changed", "changed", func(p *federation.Plan) { create(p).ID = "" }, "no ID"},
		{"what was there before", "changed", func(p *federation.Plan) { create(p).ID = "another" }, "not the one that was there"},
		{"to show what was before", "changed", func(p *federation.Plan) {
			create(p).Changes[0].From = "something else"
		}, "displayName was not so before"},
		{"something to send", "changed", func(p *federation.Plan) { create(p).Body, create(p).Changes = nil, nil }, "sends nothing"},
		{"properties of a domain", "default", func(p *federation.Plan) {
			create(p).Body["supportedServices"] = "x"
		}, "supportedServices"},
		{"the name of a domain", "default", func(p *federation.Plan) { create(p).Domain = "../users" }, "../users"},
		{"nothing to send with a deletion", "changed", func(p *federation.Plan) {
			create(p).Operation = federation.DeleteConfiguration
		}, "must not send"},
		{"a severity", "blocked", func(p *federation.Plan) { p.Findings[0].Severity = "fine" }, "fine"},
		{"a summary", "blocked", func(p *federation.Plan) { p.Findings[0].Summary = "" }, "no summary"},
		{"few details", "blocked", func(p *federation.Plan) { p.Findings[0].Details = make([]string, 21) }, "21 details"},
		{"few writes", "managed", func(p *federation.Plan) { p.Writes = make([]federation.Write, 101) }, "101 writes"},
		{"few findings", "managed", func(p *federation.Plan) { p.Findings = make([]federation.Finding, 1001) }, "1001 findings"},
	} {
		t.Run("it lacks "+c.rule, func(t *testing.T) {
			t.Parallel()
			plan := newScene(t, planScenes()[c.scene]).plan()
			require.NoError(t, plan.Validate())
			c.breaks(plan)
			require.ErrorContains(t, plan.Validate(), c.says)
		})
	}
}

func TestOneErrorListsEverythingThatIsWrong(t *testing.T) {
	t.Parallel()
	err := (&federation.Plan{Domain: "contoso", Writes: []federation.Write{{Operation: "x"}, {Operation: "y"}}}).Validate()
	for _, wrong := range []string{"ID", "purpose", "contoso", "when it was made", `write 1: the operation "x"`, `write 2`} {
		require.ErrorContains(t, err, wrong)
	}
}

func TestWhatIsNoPlanIsRefused(t *testing.T) {
	t.Parallel()
	document, err := json.Marshal(newScene(t).plan())
	require.NoError(t, err)
	for name, c := range map[string]struct{ text, says string }{
		"nothing":                    {"", "not a plan"},
		"a list":                     {"[]", "not a plan"},
		"a property of nobody":       {`{"id":"0","force":true}`, "force"},
		"something after it":         {string(document) + "{}", "something after the plan"},
		"more than anybody can read": {strings.Repeat(" ", 1<<20) + string(document), "so it is none"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := federation.ReadPlan(strings.NewReader(c.text))
			require.ErrorContains(t, err, c.says)
		})
	}
}

func FuzzReadPlan(f *testing.F) {
	for name := range planScenes() {
		f.Add(readFile(f, name+".json"))
	}
	f.Add([]byte(`{"writes":[{"operation":"add guest domain","domain":"a.example","id":"x"}],"findings":null}`))
	f.Fuzz(func(t *testing.T, document []byte) {
		plan, err := federation.ReadPlan(strings.NewReader(string(document)))
		if err != nil {
			return
		}
		require.NotContains(t, plan.String(), "\x1b")
		again, err := json.Marshal(plan)
		require.NoError(t, err)
		read, err := federation.ReadPlan(strings.NewReader(string(again)))
		require.NoError(t, err)
		require.Equal(t, plan.String(), read.String())
	})
}
