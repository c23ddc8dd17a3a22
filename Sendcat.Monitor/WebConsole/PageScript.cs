using System.Text;
using System.Text.RegularExpressions;

namespace Sendcat.Monitor.WebConsole;

/// <summary>
/// Joins the modules of the page into one script, each in a function of its own, without comments and indentation: one request instead of
/// thirty, and a third less to download. It knows the forms of <c>import</c> and <c>export</c> that the page uses, and refuses others.
/// </summary>
internal sealed partial class PageScript
{
    public const string Name = "console.js";

    private const string Main = "main.js";
    private const string Vendor = "vendor/";

    private readonly IReadOnlyDictionary<string, string> _sources;
    private readonly Dictionary<string, string> _variables = new(StringComparer.Ordinal);
    private readonly Dictionary<string, HashSet<string>> _exports = new(StringComparer.Ordinal);
    private readonly HashSet<string> _open = new(StringComparer.Ordinal);
    private readonly StringBuilder _imports = new();
    private readonly StringBuilder _body = new();

    private PageScript(IReadOnlyDictionary<string, string> sources) => _sources = sources;

    /// <param name="sources">The text of the modules by name, such as <c>panels/alerts.js</c>.</param>
    /// <exception cref="InvalidOperationException">A module does not exist or does not export what another one imports, or modules import
    /// each other in a circle.</exception>
    public static string Join(IReadOnlyDictionary<string, string> sources)
    {
        var script = new PageScript(sources);
        script.Add(Main);
        return $"{script._imports}{script._body}";
    }

    private string Add(string module)
    {
        if (_variables.TryGetValue(module, out var known))
        {
            return known;
        }

        if (!_sources.TryGetValue(module, out var source) || !_open.Add(module))
        {
            throw new InvalidOperationException(
                _open.Contains(module) ? $"{module} imports itself by way of others" : $"There is no {module}");
        }

        var exports = new HashSet<string>(StringComparer.Ordinal);
        var head = new StringBuilder();
        var text = ImportLine().Replace(source, line => Import(module, line, head, exports));
        text = ExportList().Replace(text, line => Export(line.Groups["names"].Value, exports));
        text = ExportWord().Replace(text, line => Export(line.Groups["name"].Value, exports) + line.Groups["rest"].Value);
        if (Module().IsMatch(text))
        {
            throw new InvalidOperationException($"{module} has an import or export of an unknown form: {Module().Match(text).Value}");
        }

        var variable = $"m{_variables.Count}";
        var code = Comment().Replace(Indent().Replace(text, ""), "");
        _body.Append($"const {variable} = (() => {{\n{head}{code}return {{ {string.Join(", ", exports)} }};\n}})();\n");
        _exports[module] = exports;
        return _variables[module] = variable;
    }

    private string Import(string module, Match line, StringBuilder head, HashSet<string> exports)
    {
        // An address, because paths of files differ between operating systems.
        var path = new Uri(new Uri($"file:///{module}"), line.Groups["path"].Value).AbsolutePath[1..];
        var names = line.Groups["names"].Value;
        if (path.StartsWith(Vendor, StringComparison.Ordinal))
        {
            _imports.Append($"import {(names.Length == 0 ? line.Groups["default"].Value : $"{{ {names} }}")} from '/assets/{path}';\n");
            return line.Groups["word"].Value == "export" ? Export(names, exports) : "";
        }

        var variable = Add(path);
        var missing = Names(names).Where(name => !_exports[path].Contains(name)).ToList();
        if (names.Length == 0 || missing.Count > 0)
        {
            throw new InvalidOperationException($"{module}: {path} does not export {string.Join(", ", missing)}");
        }

        head.Append($"const {{ {names} }} = {variable};\n");
        return "";
    }

    private static string Export(string names, HashSet<string> exports)
    {
        exports.UnionWith(Names(names));
        return "";
    }

    private static IEnumerable<string> Names(string list) =>
        list.Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);

    [GeneratedRegex(
        @"^(?<word>import|export) (?:\{ (?<names>[\w, ]+) \}|(?<default>\w+)) from '(?<path>[^']+)';\n",
        RegexOptions.Multiline | RegexOptions.ExplicitCapture, 1_000)]
    private static partial Regex ImportLine();

    [GeneratedRegex(@"^export \{ (?<names>[\w, ]+) \};\n", RegexOptions.Multiline | RegexOptions.ExplicitCapture, 1_000)]
    private static partial Regex ExportList();

    [GeneratedRegex(
        @"^export (?<rest>(const|function|async function|class) (?<name>\w+))",
        RegexOptions.Multiline | RegexOptions.ExplicitCapture, 1_000)]
    private static partial Regex ExportWord();

    [GeneratedRegex(@"^(import|export)\b.*", RegexOptions.Multiline | RegexOptions.ExplicitCapture, 1_000)]
    private static partial Regex Module();

    /// <summary>Text between tags has no line that begins with spaces that matter.</summary>
    [GeneratedRegex(@"^[ ]+", RegexOptions.Multiline, 1_000)]
    private static partial Regex Indent();

    [GeneratedRegex(@"^//.*\n|^/\*\*(.|\n)*?\*/\n", RegexOptions.Multiline | RegexOptions.ExplicitCapture, 1_000)]
    private static partial Regex Comment();
}
