using System.CommandLine;
using System.CommandLine.Parsing;
using System.Globalization;

namespace Sendcat.Monitor.DeadLetters;

/// <summary>
/// Command-line options that select dead letters. The service validates their values, except that <c>--id</c> must be a GUID.
/// </summary>
internal sealed class DlqFilter
{
    private readonly Option<string?> _tool = new("--tool") { Description = "Dead letters of this tool, for example search_web." };
    private readonly Option<string?> _fingerprint = new("--fingerprint") { Description = "Dead letters with this error fingerprint, as listed by groups." };
    private readonly Option<string[]> _ids = new("--id") { Description = "Dead letters with these job ids; can be given several times.", AllowMultipleArgumentsPerToken = true };
    private readonly Option<DateTimeOffset?> _diedBefore = new("--died-before") { Description = "Dead before this time, for instance 2026-03-01T12:00Z." };
    private readonly Option<int?> _limit = new("--limit") { Description = "Maximum number of dead letters." };

    public DlqFilter() => _ids.Validators.Add(result =>
    {
        if (result.Tokens.FirstOrDefault(token => !Guid.TryParse(token.Value, out _)) is { } invalid)
        {
            result.AddError($"--id takes the id of a job, which {invalid.Value} is not");
        }
    });

    public void AddTo(Command command)
    {
        foreach (Option option in new Option[] { _tool, _fingerprint, _ids, _diedBefore, _limit })
        {
            command.Add(option);
        }
    }

    public bool IsEmpty(CommandResult result) =>
        result.GetResult(_tool) is null && result.GetResult(_fingerprint) is null && result.GetResult(_ids) is null && result.GetResult(_diedBefore) is null;

    public string Query(ParseResult parsed, string? cursor)
    {
        (string Name, string? Value)[] parts =
        [
            ("tool", parsed.GetValue(_tool)),
            ("fingerprint", parsed.GetValue(_fingerprint)),
            ("ids", parsed.GetValue(_ids) is { Length: > 0 } given ? string.Join(',', Ids(given)) : null),
            ("diedBefore", parsed.GetValue(_diedBefore)?.UtcDateTime.ToString("O", CultureInfo.InvariantCulture)),
            ("limit", parsed.GetValue(_limit)?.ToString(CultureInfo.InvariantCulture)),
            ("cursor", cursor),
        ];
        return string.Join('&', parts.Where(part => part.Value is not null).Select(part => $"{part.Name}={Uri.EscapeDataString(part.Value!)}"));
    }

    public object RequestBody(ParseResult parsed, bool all, bool dryRun) => new
    {
        tool = parsed.GetValue(_tool),
        fingerprint = parsed.GetValue(_fingerprint),
        ids = parsed.GetValue(_ids) is { Length: > 0 } given ? Ids(given) : null,
        diedBefore = parsed.GetValue(_diedBefore)?.ToUniversalTime(),
        limit = parsed.GetValue(_limit),
        all,
        dryRun,
    };

    private static IEnumerable<string> Ids(string[] given) => given.Select(id => Guid.Parse(id).ToString("D"));
}
