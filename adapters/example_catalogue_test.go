package adapters_test

import (
	"context"
	"encoding/json"
	"fmt"
	"log"
	"strings"

	"github.com/entrafed/entrafed/adapters"
)

// A host changes some words of a language that is built in, and names its own step of the provisioning.
func ExampleCatalogue() {
	german := adapters.Language{Tag: "de", Words: adapters.Catalogue{
		"signed-out.title": "Bis bald!",
		"step.badge":       "Ihren Hausausweis bestellen", // the step "badge" is the host's own
	}}
	bridge, err := adapters.New(exampleConfig(adapters.Brand{
		Languages: []adapters.Language{adapters.English(), german},
	}))
	if err != nil {
		log.Fatal(err)
	}
	defer bridge.Close(context.Background())

	for _, accepted := range []string{"de-AT,de;q=0.9,en;q=0.5", "it"} {
		page := openIn(accepted, bridge, "/logout")
		fmt.Println(between(page, `<html lang="`, `"`), between(page, "<h1>", "</h1>"))
	}
	// Output:
	// de Bis bald!
	// en You are signed out
}

// A catalogue of another language is checked in the host's own tests: here against what its translators delivered.
func ExampleLanguage_Check() {
	const delivered = `{"sign-in.title": "Accesso", "sign-in.submit": "Accedi", "sign-in.pasword": "Password"}`
	italian := adapters.Language{Tag: "it"}
	if err := json.Unmarshal([]byte(delivered), &italian.Words); err != nil {
		log.Fatal(err)
	}
	problems := strings.Split(italian.Check().Error(), "\n")
	fmt.Println(len(adapters.Messages())-2 == len(problems)-1, "that many are missing, and:")
	fmt.Println(problems[len(problems)-1])
	// Output:
	// true that many are missing, and:
	// "sign-in.pasword" is no message: see Messages
}
