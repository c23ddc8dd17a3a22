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
    private readonly Option<string?> _fingerprint = new("--fingerprint")
    {
        Description = "Dead letters with this error fingerprint, as listed by groups.",
    };
    private readonly Option<string[]> _ids = new("--id")
    {
        Description = "Dead letters with these job ids; can be given several times.", AllowMultipleArgumentsPerToken = true,
    };
    private readonly Option<DateTimeOffset?> _diedBefore = new("--died-before")
    {
        Description = "Dead before this time, for instance 2026-03-01T12:00Z.",
    };
    private readonly Option<DateTimeOffset?> _diedAfter = new("--died-after")
    {
        Description = "Dead since this time, for instance 2026-03-01T12:00Z.",
    };
    private readonly Option<string?> _principal = new("--principal") { Description = "Dead letters of this principal, as lists show it." };
    private readonly Option<string?> _arguments = new("--arguments")
    {
        Description = "Dead letters whose arguments contain these words, or words that begin with them.",
    };
    private readonly Option<int?> _limit = new("--limit") { Description = "Maximum number of dead letters." };

    public DlqFilter() => _ids.Validators.Add(result =>
    {
        if (result.Tokens.FirstOrDefault(token => !Guid.TryParse(token.Value, out _)) is { } invalid)
        {
            result.AddError($"--id takes the id of a job, which {invalid.Value} is not");
        }
    });

    private Option[] Filters => [_tool, _fingerprint, _ids, _diedBefore, _diedAfter, _principal, _arguments];

    public void AddTo(Command command)
    {
        foreach (var option in Filters.Append(_limit))
        {
            command.Add(option);
        }
    }

    public bool IsEmpty(CommandResult result) =>
        Array.TrueForAll(Filters, option => result.GetResult(option) is null);

    public string Query(ParseResult parsed, string? cursor)
    {
        (string Name, string? Value)[] parts =
        [
            ("tool", parsed.GetValue(_tool)),
            ("fingerprint", parsed.GetValue(_fingerprint)),
            ("ids", parsed.GetValue(_ids) is { Length: > 0 } given ? string.Join(',', Ids(given)) : null),
            ("diedBefore", parsed.GetValue(_diedBefore)?.UtcDateTime.ToString("O", CultureInfo.InvariantCulture)),
            ("diedAfter", parsed.GetValue(_diedAfter)?.UtcDateTime.ToString("O", CultureInfo.InvariantCulture)),
            ("principal", parsed.GetValue(_principal)),
            ("arguments", parsed.GetValue(_arguments)),
            ("limit", parsed.GetValue(_limit)?.ToString(CultureInfo.InvariantCulture)),
            ("cursor", cursor),
        ];
        return string.Join(
            '&', parts.Where(part => part.Value is not null).Select(part => $"{part.Name}={Uri.EscapeDataString(part.Value!)}"));
    }

    public object RequestBody(ParseResult parsed, bool all, bool dryRun, bool force) => new
    {
        tool = parsed.GetValue(_tool),
        fingerprint = parsed.GetValue(_fingerprint),
        ids = parsed.GetValue(_ids) is { Length: > 0 } given ? Ids(given) : null,
        diedBefore = parsed.GetValue(_diedBefore)?.ToUniversalTime(),
        diedAfter = parsed.GetValue(_diedAfter)?.ToUniversalTime(),
        principal = parsed.GetValue(_principal),
        arguments = parsed.GetValue(_arguments),
        limit = parsed.GetValue(_limit),
        all,
        dryRun,
        force = force ? true : (bool?)null,
    };

    /// <summary>The body of a change of all that match.</summary>
    /// <param name="action"><c>requeue</c> or <c>discard</c></param>
    /// <param name="confirm">The number of dead letters that match.</param>
    public object BulkBody(ParseResult parsed, string action, int confirm, bool all, bool force) => new
    {
        action,
        confirm,
        tool = parsed.GetValue(_tool),
        fingerprint = parsed.GetValue(_fingerprint),
        ids = parsed.GetValue(_ids) is { Length: > 0 } given ? Ids(given) : null,
        diedBefore = parsed.GetValue(_diedBefore)?.ToUniversalTime(),
        diedAfter = parsed.GetValue(_diedAfter)?.ToUniversalTime(),
        principal = parsed.GetValue(_principal),
        arguments = parsed.GetValue(_arguments),
        all,
        force = force ? true : (bool?)null,
    };

    private static IEnumerable<string> Ids(string[] given) => given.Select(id => Guid.Parse(id).ToString("D"));
}
