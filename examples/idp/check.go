package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"time"

	"github.com/entrafed/entrafed/examples/internal/command"
	"github.com/entrafed/entrafed/examples/internal/document"
	"github.com/entrafed/entrafed/examples/internal/environment"
	"github.com/entrafed/entrafed/msgraph"
	"github.com/entrafed/entrafed/provision"
)

// report is what -check found.
type report struct {
	OK         bool      `json:"ok"`
	Cloud      string    `json:"cloud,omitempty"`
	Domain     string    `json:"domain,omitempty"`
	Issuer     string    `json:"issuer,omitempty"`
	Tenant     string    `json:"tenant,omitempty"`
	Client     string    `json:"client,omitempty"`
	Credential string    `json:"credential,omitempty"`
	Users      int       `json:"users,omitempty"`
	Findings   []finding `json:"findings"`
}

// finding is one thing that was looked at.
type finding struct {
	Name   string `json:"name"`
	Result result `json:"result"`
	Detail string `json:"detail,omitempty"`
	Remedy string `json:"remedy,omitempty"`
}

type result string

const (
	passed    result = "ok"
	warning   result = "warning"
	failed    result = "failed"
	notTested result = "not tested"
)

const checkTime = time.Minute

// check tries the configuration and prints what it found.
func (p program) check(ctx context.Context, asJSON bool) int {
	ctx, cancel := context.WithTimeout(ctx, checkTime)
	defer cancel()
	r, code := p.examine(ctx)
	var err error
	if asJSON {
		err = document.Print(p.Stdout, r)
	} else {
		err = r.print(p.Stdout)
	}
	if err != nil {
		p.Say("%v", err)
		return command.ExitFailed
	}
	return code
}

func (p program) examine(ctx context.Context) (report, int) {
	settings, err := readSettings(p.Environ, p.Now())
	if err != nil {
		return refused(err), command.ExitUsage
	}
	// The same as a start does; the log of it would only repeat the findings.
	idp, err := newIdentityProvider(settings, nil, p.outside(slog.New(slog.DiscardHandler)))
	if err != nil {
		return refused(err), command.ExitUsage
	}
	r := settings.report(p.Now())
	r.add(settings.database.examine(ctx))
	r.add(examineTenant(ctx, idp.tenant, settings)...)
	if err := idp.bridge.Close(ctx); err != nil || !r.OK {
		return r, command.ExitFailed
	}
	return r, command.ExitOK
}

// refused is the report of a configuration that cannot be used.
func refused(err error) report {
	var r report
	for _, problem := range problemsOf(err) {
		r.add(finding{Name: "configuration", Result: failed, Detail: problem.Error()})
	}
	return r
}

// report begins with what needs no tenant.
func (s settings) report(now time.Time) report {
	r := report{
		OK: true, Cloud: s.cloud.Name, Domain: s.domain, Issuer: s.issuer, Tenant: s.credential.TenantID,
		Client: s.credential.ClientID, Credential: s.credential.String(), Users: s.users.Count(),
	}
	r.add(finding{Name: "configuration", Result: passed})
	end := s.certificate.NotAfter
	certificate := finding{Name: "signing certificate", Result: passed}
	certificate.Detail = "valid until " + end.UTC().Format(time.DateOnly)
	if end.Sub(now) < expiresSoon {
		certificate.Result, certificate.Remedy = warning, "register a new one as the domain's nextSigningCertificate soon"
	}
	r.add(certificate)
	return r
}

func (r *report) add(findings ...finding) {
	for _, f := range findings {
		r.Findings = append(r.Findings, f)
		r.OK = r.OK && f.Result != failed
	}
}

// examineTenant looks at the tenant and changes nothing in it.
func examineTenant(ctx context.Context, tenant *msgraph.Tenant, s settings) []finding {
	findings := []finding{examineToken(ctx, tenant)}
	if findings[0].Result == passed {
		findings = append(findings, examineReading(ctx, tenant))
		findings = append(findings, examineLicenses(ctx, tenant, s.licensesInUse())...)
		findings = append(findings, examineGroups(ctx, tenant, s.groupsInUse())...)
	}
	return append(findings, finding{Name: "creating accounts", Result: notTested,
		Detail: "only a first sign-in shows it: User.ReadWrite.All, and LicenseAssignment.ReadWrite.All for licences"})
}

func examineToken(ctx context.Context, tenant *msgraph.Tenant) finding {
	if err := tenant.Authorize(ctx); err != nil {
		return failure("access token", err, environment.TenantID+", "+environment.ClientID+" and the credential")
	}
	return finding{Name: "access token", Result: passed}
}

// examineReading asks for an account that cannot exist: whoever may read is told that there is none.
func examineReading(ctx context.Context, tenant *msgraph.Tenant) finding {
	const name = "reading accounts"
	_, err := tenant.FindUser(ctx, provision.UserKey{ImmutableID: "entrafed-check-0000000000000000"})
	if err != nil && !errors.Is(err, provision.ErrNotFound) {
		return failure(name, err, "User.Read.All")
	}
	return finding{Name: name, Result: passed}
}

func examineLicenses(ctx context.Context, tenant provision.Directory, licenses []provision.License) []finding {
	const name = "licences"
	if len(licenses) == 0 {
		return []finding{{Name: name, Result: notTested, Detail: "nobody is given one"}}
	}
	skus, err := tenant.SKUs(ctx)
	if err != nil {
		return []finding{failure(name, err, "LicenseAssignment.Read.All")}
	}
	var findings []finding
	for _, license := range licenses {
		findings = append(findings, examineAlternatives(ctx, tenant, license, skus)...)
	}
	return findings
}

// examineAlternatives looks at a licence and its fallbacks. One that works is enough.
func examineAlternatives(
	ctx context.Context, tenant provision.Directory, license provision.License, skus []provision.SKU,
) []finding {
	var findings []finding
	works := false
	for _, l := range append([]provision.License{license}, license.Fallbacks...) {
		f := examineSeat(l.SKU, skus)
		if l.Group != "" {
			f = examineGroup(ctx, tenant, l.Group, skus)
		}
		works = works || f.Result != failed
		findings = append(findings, f)
	}
	for i := range findings {
		if works && findings[i].Result == failed {
			findings[i].Result = warning
		}
	}
	return findings
}

// examineSeat looks at a licence that is given directly.
func examineSeat(name string, skus []provision.SKU) finding {
	f := finding{Name: "licence " + name}
	sku, err := provision.FindSKU(name, skus)
	var refusal *provision.LicenseError
	switch {
	case errors.As(err, &refusal):
		f.Result, f.Remedy = failed, refusal.Remedy+" ("+environment.Licenses+")"
		f.Detail = refusal.Problem + "; the tenant has only " + partNumbers(skus)
	case sku.Free() == 0:
		f.Result, f.Detail = warning, fmt.Sprintf("no seat is left of %d", sku.Enabled+sku.Warning)
		f.Remedy = "buy or free seats: the next new person cannot sign in"
	default:
		f.Result, f.Detail = passed, fmt.Sprintf("%d of %d seats are free", sku.Free(), sku.Enabled+sku.Warning)
	}
	return f
}

// examineGroup looks at a group that gives licences.
func examineGroup(ctx context.Context, tenant provision.Directory, name string, skus []provision.SKU) finding {
	title := "licence " + environment.GroupPrefix + name
	groups, ok := tenant.(provision.Groups)
	if !ok {
		return finding{Name: title, Result: failed, Detail: "the directory has no groups"}
	}
	group, err := groups.FindGroup(ctx, environment.GroupKey(name))
	switch {
	case errors.Is(err, provision.ErrNotFound):
		return finding{Name: title, Result: failed, Detail: "the tenant has no such group", Remedy: "correct " + environment.Licenses}
	case err != nil:
		return failure(title, err, "Group.Read.All")
	case len(group.SKUIDs) == 0:
		return finding{Name: title, Result: failed, Detail: "the group gives no licence at all",
			Remedy: "assign licences to the group in the Microsoft 365 admin center"}
	}
	for _, id := range group.SKUIDs {
		if f := examineSeat(id, skus); f.Result != passed {
			f.Name = title
			return f
		}
	}
	return finding{Name: title, Result: passed, Detail: "of all that the group gives, seats are free"}
}

// examineGroups looks for the groups that people join.
func examineGroups(ctx context.Context, tenant provision.Groups, names []string) (findings []finding) {
	for _, name := range names {
		f := finding{Name: "group " + name, Result: passed}
		switch _, err := tenant.FindGroup(ctx, environment.GroupKey(name)); {
		case errors.Is(err, provision.ErrNotFound):
			f.Result, f.Detail, f.Remedy = failed, "the tenant has no such group", "create it, or correct "+varRules
		case err != nil:
			f = failure(f.Name, err, "GroupMember.Read.All")
		}
		findings = append(findings, f)
	}
	return findings
}

func partNumbers(skus []provision.SKU) string {
	var names []string
	for _, sku := range skus {
		names = append(names, sku.PartNumber)
	}
	if len(names) == 0 {
		return "none at all"
	}
	return strings.Join(names, ", ")
}

// failure explains an error of the tenant. needs is what the call needs: a permission, or variables for the token.
func failure(name string, err error, needs string) finding {
	f := finding{Name: name, Result: failed, Detail: err.Error()}
	var answer *provision.DirectoryError
	switch {
	case errors.Is(err, provision.ErrForbidden):
		f.Remedy = "grant the application " + needs + " with admin consent; it counts from the next token on"
	case errors.Is(err, provision.ErrUnauthorized):
		f.Remedy = "check " + environment.TenantID + ", " + environment.ClientID + " and the credential, and that they belong to the cloud"
	case errors.As(err, &answer) && answer.Status == http.StatusBadRequest:
		f.Remedy = "check " + needs
	case errors.Is(err, provision.ErrThrottled), errors.Is(err, provision.ErrUnavailable):
		f.Remedy = "try again later, and check the network and its proxy"
	}
	return f
}

// print writes the report for people.
func (r report) print(w io.Writer) error {
	var b strings.Builder
	for _, line := range [][2]string{
		{"cloud", r.Cloud}, {"domain", r.Domain}, {"issuer", r.Issuer}, {"tenant", r.Tenant}, {"application", r.Client},
		{"credential", r.Credential},
	} {
		if line[1] != "" {
			fmt.Fprintf(&b, "%-20s %s\n", line[0], line[1])
		}
	}
	for _, f := range r.Findings {
		fmt.Fprintf(&b, "%-20s %s", f.Name, f.Result)
		if f.Detail != "" {
			b.WriteString(": " + strings.ReplaceAll(f.Detail, "\n", "\n\t"))
		}
		if f.Remedy != "" {
			b.WriteString("\n\t" + f.Remedy)
		}
		b.WriteString("\n")
	}
	b.WriteString(map[bool]string{true: "\nAll is well.\n", false: "\nThis cannot work yet.\n"}[r.OK])
	_, err := io.WriteString(w, b.String())
	return err
}
