using System.CommandLine;
using System.CommandLine.Parsing;
using System.Globalization;

namespace Sendcat.Monitor.DeadLetters;

/// <summary>Which dead letters are meant, as options. What they may be is for the service to say.</summary>
internal sealed class DlqFilter
{
    private readonly Option<string?> tool = new("--tool") { Description = "Of this tool: search_web, search_products, search_global." };
    private readonly Option<string?> fingerprint = new("--fingerprint") { Description = "Of this cause, as groups tells it." };
    private readonly Option<string[]> ids = new("--id") { Description = "These; may be given several times.", AllowMultipleArgumentsPerToken = true };
    private readonly Option<DateTimeOffset?> diedBefore = new("--died-before") { Description = "Dead before this time, for instance 2026-03-01T12:00Z." };
    private readonly Option<int?> limit = new("--limit") { Description = "At most so many." };

    public DlqFilter() => ids.Validators.Add(result =>
    {
        if (result.Tokens.FirstOrDefault(token => !Guid.TryParse(token.Value, out _)) is { } odd)
        {
            result.AddError($"--id takes the id of a job, which {odd.Value} is not");
        }
    });

    public void AddTo(Command command)
    {
        foreach (Option option in new Option[] { tool, fingerprint, ids, diedBefore, limit })
        {
            command.Add(option);
        }
    }

    public bool IsEmpty(CommandResult result) =>
        result.GetResult(tool) is null && result.GetResult(fingerprint) is null && result.GetResult(ids) is null && result.GetResult(diedBefore) is null;

    public string Query(ParseResult parsed, string? cursor)
    {
        (string Name, string? Value)[] parts =
        [
            ("tool", parsed.GetValue(tool)),
            ("fingerprint", parsed.GetValue(fingerprint)),
            ("ids", parsed.GetValue(ids) is { Length: > 0 } given ? string.Join(',', Ids(given)) : null),
            ("diedBefore", parsed.GetValue(diedBefore)?.UtcDateTime.ToString("O", CultureInfo.InvariantCulture)),
            ("limit", parsed.GetValue(limit)?.ToString(CultureInfo.InvariantCulture)),
            ("cursor", cursor),
        ];
        return string.Join('&', parts.Where(part => part.Value is not null).Select(part => $"{part.Name}={Uri.EscapeDataString(part.Value!)}"));
    }

    public object Order(ParseResult parsed, bool all, bool dryRun) => new
    {
        tool = parsed.GetValue(tool),
        fingerprint = parsed.GetValue(fingerprint),
        ids = parsed.GetValue(ids) is { Length: > 0 } given ? Ids(given) : null,
        diedBefore = parsed.GetValue(diedBefore)?.ToUniversalTime(),
        limit = parsed.GetValue(limit),
        all,
        dryRun,
    };

    private static IEnumerable<string> Ids(string[] given) => given.Select(id => Guid.Parse(id).ToString("D"));
}
