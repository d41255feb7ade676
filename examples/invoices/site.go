package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"html/template"
	"net/http"
	"strconv"
	"time"

	"github.com/go-chi/chi/v5"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/twofold-auth/twofold"
)

// site is the whole application: the pages of Twofold in front of a router.
func site(auth *twofold.Auth, in invoices) http.Handler {
	r := chi.NewRouter()
	r.With(auth.Identify).Get("/", welcome)
	r.Group(func(r chi.Router) {
		r.Use(auth.RequireTwoFactor)
		r.Get("/invoices", in.list)
		r.Post("/invoices", in.create)
	})
	r.Group(func(r chi.Router) {
		r.Use(auth.RequireTwoFactor, auth.RequireFresh(5*time.Minute))
		r.Get("/invoices/{number}/pay", in.ask)
		r.Post("/invoices/{number}/pay", in.pay)
	})
	r.Group(func(r chi.Router) {
		r.Use(auth.RequireTwoFactor, auth.RequireRole("admin"))
		r.Get("/admin", in.all)
	})
	r.Group(func(r chi.Router) {
		r.Use(auth.RequireScope("invoices"), auth.RequireTwoFactor)
		r.Get("/api/invoices", in.api)
	})
	return auth.Wrap(r)
}

// invoices keeps the invoices of all customers.
type invoices struct{ pool *pgxpool.Pool }

type invoice struct {
	Number   int64  `json:"number"`
	Customer string `json:"customer"`
	Subject  string `json:"subject"`
	Cents    int64  `json:"cents"`
	Paid     bool   `json:"paid"`
}

// Amount is the sum as people read it.
func (i invoice) Amount() string { return fmt.Sprintf("%d.%02d", i.Cents/100, i.Cents%100) }

const selectInvoices = `SELECT number, email AS customer, subject, cents, paid
	FROM invoices JOIN customers ON id = customer `

func (in invoices) query(r *http.Request, where string, args ...any) ([]invoice, error) {
	rows, err := in.pool.Query(r.Context(), selectInvoices+where+` ORDER BY number`, args...)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowToStructByName[invoice])
}

// own returns the invoices of the user who is signed in.
func (in invoices) own(r *http.Request) ([]invoice, error) {
	user, _ := twofold.UserOf(r)
	return in.query(r, `WHERE id = $1::text::bigint`, user.ID)
}

func (in invoices) list(w http.ResponseWriter, r *http.Request) {
	list, err := in.own(r)
	show(w, r, "Your invoices", list, err)
}

func (in invoices) all(w http.ResponseWriter, r *http.Request) {
	list, err := in.query(r, ``)
	show(w, r, "All invoices", list, err)
}

func (in invoices) api(w http.ResponseWriter, r *http.Request) {
	list, err := in.own(r)
	if err != nil {
		fail(w, err)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(list)
}

func (in invoices) create(w http.ResponseWriter, r *http.Request) {
	user, _ := twofold.UserOf(r)
	cents, err := strconv.ParseInt(r.PostFormValue("cents"), 10, 64)
	if subject := r.PostFormValue("subject"); err != nil || cents <= 0 || subject == "" {
		http.Error(w, "A subject and a positive amount in cents are needed.", http.StatusBadRequest)
		return
	}
	_, err = in.pool.Exec(r.Context(), `INSERT INTO invoices (customer, subject, cents)
		VALUES ($1::text::bigint, $2, $3)`, user.ID, r.PostFormValue("subject"), cents)
	if err != nil {
		fail(w, err)
		return
	}
	http.Redirect(w, r, "/invoices", http.StatusSeeOther)
}

// ask is the page before a payment. RequireFresh sends people to prove themselves
// before they see it, and the form comes back within the five minutes.
func (in invoices) ask(w http.ResponseWriter, r *http.Request) {
	i, err := in.number(r)
	render(w, "pay", i, err)
}

func (in invoices) pay(w http.ResponseWriter, r *http.Request) {
	i, err := in.number(r)
	if err == nil {
		_, err = in.pool.Exec(r.Context(), `UPDATE invoices SET paid = true WHERE number = $1`, i.Number)
	}
	if err != nil {
		fail(w, err)
		return
	}
	http.Redirect(w, r, "/invoices", http.StatusSeeOther)
}

// number returns the invoice of the address, if it is the user's.
func (in invoices) number(r *http.Request) (invoice, error) {
	user, _ := twofold.UserOf(r)
	list, err := in.query(r, `WHERE number::text = $1 AND id = $2::text::bigint`, chi.URLParam(r, "number"), user.ID)
	if err != nil || len(list) == 0 {
		return invoice{}, errors.Join(err, errNoInvoice)
	}
	return list[0], nil
}

var errNoInvoice = errors.New("no such invoice")

func fail(w http.ResponseWriter, err error) {
	if errors.Is(err, errNoInvoice) {
		http.Error(w, "There is no such invoice.", http.StatusNotFound)
		return
	}
	http.Error(w, "The database does not answer. Please try again.", http.StatusServiceUnavailable)
}

var pages = template.Must(template.New("").Parse(`
{{define "top"}}<!doctype html><html lang="en"><meta charset="utf-8"><title>Invoices</title>
<meta name="viewport" content="width=device-width"><link rel="stylesheet" href="/tf-static/own/app.css">{{end}}
{{define "welcome"}}{{template "top"}}<h1>Invoices</h1>
{{if .Email}}<p>Signed in as {{.Email}}. <a href="/me">Your account</a></p>{{end}}
<p><a href="/invoices">Your invoices</a> · <a href="/register">Register</a></p>{{end}}
{{define "list"}}{{template "top"}}<h1>{{.Title}}</h1><p>{{.User}} · <a href="/me">Your account</a></p>
<ul>{{range .List}}<li>{{.Number}}: {{.Subject}}, {{.Amount}}, {{.Customer}}
{{if .Paid}}paid{{else}}<a href="/invoices/{{.Number}}/pay">pay</a>{{end}}{{end}}</ul>
<form method="post" action="/invoices"><label>Subject <input name="subject" required></label>
<label>Cents <input name="cents" inputmode="numeric" required></label> <button>Add</button></form>{{end}}
{{define "pay"}}{{template "top"}}<h1>Pay {{.Amount}}</h1><p>{{.Subject}}</p>
<form method="post"><button>Pay now</button></form>{{end}}`))

func welcome(w http.ResponseWriter, r *http.Request) {
	user, _ := twofold.UserOf(r)
	render(w, "welcome", user, nil)
}

func show(w http.ResponseWriter, r *http.Request, title string, list []invoice, err error) {
	user, _ := twofold.UserOf(r)
	render(w, "list", map[string]any{"Title": title, "User": user.Email, "List": list}, err)
}

func render(w http.ResponseWriter, page string, data any, err error) {
	if err != nil {
		fail(w, err)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	_ = pages.ExecuteTemplate(w, page, data)
}
