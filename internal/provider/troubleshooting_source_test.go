package provider_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// ellipsis is any text, in a message and in what a guide quotes of it.
const ellipsis = "…"

// messageArguments says which argument of a function is a message that a user may see, or its format.
var messageArguments = map[string]int{
	"AddError": 0, "AddWarning": 0, "NewErrorDiagnostic": 0, "NewWarningDiagnostic": 0,
	"AddAttributeError": 1, "AddAttributeWarning": 1, "NewAttributeErrorDiagnostic": 1, "NewAttributeWarningDiagnostic": 1,
	"NewFuncError": 0, "NewArgumentFuncError": 1,
	"errors.New": 0, "Errorf": 0, "optionErrorf": 0, "probeErrorf": 1, "errorf": 1,
}

// sentences are functions and constants whose texts of some words are messages, without a call that says so.
var sentences = []string{"verdict", "back", "warnings", "outOfTime", "fault", "noSocketMessage", "clashMessage"}

// sourceMessage is a message in the source; what a format fills in is an [ellipsis].
type sourceMessage struct{ text, at string }

// sourcePackage is a package of the provider, without its tests.
type sourcePackage struct {
	fset  *token.FileSet
	files []*ast.File
	texts map[string]ast.Expr // of constants and variables of the package
}

// sourceMessages are the messages in packages.
func sourceMessages(t *testing.T, packages ...string) []sourceMessage {
	t.Helper()
	var messages []sourceMessage
	for _, name := range packages {
		p := parsePackage(t, filepath.Join("..", name))
		p.declarations(func(declaration ast.Node, name string, in *ast.FuncDecl) {
			ast.Inspect(declaration, func(node ast.Node) bool {
				if call, ok := node.(*ast.CallExpr); ok {
					messages = append(messages, p.messagesOf(t, call, in)...)
				}
				return true
			})
			if slices.Contains(sentences, name) {
				messages = append(messages, p.literals(declaration)...)
			}
		})
	}
	return messages
}

func parsePackage(t *testing.T, dir string) sourcePackage {
	t.Helper()
	p := sourcePackage{fset: token.NewFileSet(), texts: map[string]ast.Expr{}}
	names, err := filepath.Glob(filepath.Join(dir, "*.go"))
	if err != nil || len(names) == 0 {
		t.Fatalf("no package in %s: %v", dir, err)
	}
	for _, name := range names {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		file, err := parser.ParseFile(p.fset, name, nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		p.files = append(p.files, file)
	}
	p.declarations(func(declaration ast.Node, _ string, _ *ast.FuncDecl) {
		if spec, ok := declaration.(*ast.ValueSpec); ok && len(spec.Names) == len(spec.Values) {
			for i, name := range spec.Names {
				p.texts[name.Name] = spec.Values[i]
			}
		}
	})
	return p
}

// declarations visits what the package declares: functions, and else constants and variables.
func (p sourcePackage) declarations(visit func(declaration ast.Node, name string, function *ast.FuncDecl)) {
	for _, file := range p.files {
		for _, declaration := range file.Decls {
			switch declaration := declaration.(type) {
			case *ast.FuncDecl:
				visit(declaration, declaration.Name.Name, declaration)
			case *ast.GenDecl:
				for _, spec := range declaration.Specs {
					if values, ok := spec.(*ast.ValueSpec); ok {
						visit(values, values.Names[0].Name, nil)
					}
				}
			}
		}
	}
}

// messagesOf are the messages of one call: several, where a function is given them.
func (p sourcePackage) messagesOf(t *testing.T, call *ast.CallExpr, in *ast.FuncDecl) []sourceMessage {
	t.Helper()
	i, ok := messageArguments[calledName(call)]
	if !ok || i >= len(call.Args) {
		return nil
	}
	if copied, ok := call.Args[i].(*ast.CallExpr); ok && calledName(copied) == "Summary" {
		return nil
	}
	at := p.fset.Position(call.Pos()).String()
	var messages []sourceMessage
	for _, text := range p.values(call.Args[i], in) {
		messages = append(messages, sourceMessage{text, at})
	}
	if isSummary(calledName(call)) {
		if len(messages) == 0 || slices.ContainsFunc(messages, func(m sourceMessage) bool { return wordsIn(m.text) == 0 }) {
			t.Errorf("%s: which summary this is cannot be read from the source", at)
		}
		return messages
	}
	return slices.DeleteFunc(messages, func(m sourceMessage) bool { return wordsIn(m.text) < 2 }) // it only stands before another one
}

// isSummary reports whether a function makes a diagnostic, whose summary is never empty.
func isSummary(function string) bool {
	return strings.HasPrefix(function, "Add") || strings.HasSuffix(function, "Diagnostic")
}

// literals are the texts in a function, or of a constant.
func (p sourcePackage) literals(in ast.Node) []sourceMessage {
	var messages []sourceMessage
	ast.Inspect(in, func(node ast.Node) bool {
		expression, ok := node.(ast.Expr)
		if !ok {
			return true
		}
		switch expression.(type) {
		case *ast.BasicLit, *ast.BinaryExpr:
			if text := p.text(expression, nil); wordsIn(text) > 1 && strings.Contains(text, " ") {
				messages = append(messages, sourceMessage{text, p.fset.Position(node.Pos()).String()})
			}
			return false
		}
		return true
	})
	return messages
}

// values are what an expression may be. For a parameter of the function that has it, that is what callers give.
func (p sourcePackage) values(e ast.Expr, in *ast.FuncDecl) []string {
	identifier, ok := e.(*ast.Ident)
	if !ok || in == nil {
		return []string{p.text(e, in)}
	}
	var texts []string
	if i := parameter(in, identifier.Name); i >= 0 {
		p.declarations(func(declaration ast.Node, _ string, from *ast.FuncDecl) {
			ast.Inspect(declaration, func(node ast.Node) bool {
				if call, ok := node.(*ast.CallExpr); ok && calledName(call) == in.Name.Name && i < len(call.Args) {
					texts = append(texts, p.values(call.Args[i], from)...)
				}
				return true
			})
		})
		return texts
	}
	for _, value := range assigned(identifier.Name, in) {
		texts = append(texts, p.text(value, in))
	}
	if texts == nil {
		return []string{p.text(e, in)}
	}
	return texts
}

// assigned are the values that a function gives one of its constants or variables.
func assigned(name string, in *ast.FuncDecl) []ast.Expr {
	var values []ast.Expr
	add := func(left, right ast.Expr) {
		if identifier, ok := left.(*ast.Ident); ok && identifier.Name == name {
			values = append(values, right)
		}
	}
	ast.Inspect(in, func(node ast.Node) bool {
		switch node := node.(type) {
		case *ast.ValueSpec:
			for i, right := range node.Values {
				add(node.Names[i], right)
			}
		case *ast.AssignStmt:
			for i, right := range node.Rhs {
				add(node.Lhs[i], right)
			}
		}
		return true
	})
	return values
}

// verb is one of a format.
var verb = regexp.MustCompile(`%[-+# 0]*(\[\d+\])?[\d.]*[a-zA-Z]`)

// text is the value of an expression, with an [ellipsis] for what only a run can know.
func (p sourcePackage) text(e ast.Expr, in *ast.FuncDecl) string {
	switch e := e.(type) {
	case *ast.BasicLit:
		if text, err := strconv.Unquote(e.Value); err == nil {
			return strings.ReplaceAll(verb.ReplaceAllString(text, ellipsis), "%%", "%")
		}
	case *ast.BinaryExpr:
		return p.text(e.X, in) + p.text(e.Y, in)
	case *ast.Ident:
		value := p.texts[e.Name]
		if in != nil {
			if local := assigned(e.Name, in); len(local) == 1 && parameter(in, e.Name) < 0 {
				value = local[0]
			}
		}
		if value != nil {
			return p.text(value, in)
		}
	case *ast.CallExpr:
		if calledName(e) == "Sprintf" {
			return p.text(e.Args[0], in)
		}
	}
	return ellipsis
}

// calledName is the name of the function that is called. That of errors.New alone has its package.
func calledName(call *ast.CallExpr) string {
	switch function := call.Fun.(type) {
	case *ast.Ident:
		return function.Name
	case *ast.SelectorExpr:
		if on, ok := function.X.(*ast.Ident); ok && on.Name == "errors" {
			return "errors." + function.Sel.Name
		}
		return function.Sel.Name
	}
	return ""
}

// parameter is the position of a parameter, or negative.
func parameter(in *ast.FuncDecl, name string) int {
	i := 0
	for _, field := range in.Type.Params.List {
		for _, parameter := range field.Names {
			if parameter.Name == name {
				return i
			}
			i++
		}
	}
	return -1
}

var word = regexp.MustCompile(`[A-Za-z_]{2,}`)

// wordsIn counts the words that a message has of its own; the name of an argument is one.
func wordsIn(text string) int { return len(word.FindAllString(text, -1)) }
