using System.Text.Json;

namespace Sendcat.KillRig.Freezing;

/// <summary>What a user has read of one turn.</summary>
internal sealed class TurnReading
{
    private readonly Dictionary<Guid, string> _answers = [];
    private Guid _current;

    public Guid? Thread { get; private set; }

    /// <summary>The text of each message of the answer.</summary>
    public IReadOnlyDictionary<Guid, string> Answers => _answers;

    /// <summary><c>done</c>, <c>error</c>, <c>aborted</c>, or <c>cut off</c>.</summary>
    public string End { get; private set; } = "cut off";

    /// <summary>Reads the events until the turn or the connection ends.</summary>
    public async Task ReadAsync(Stream body, CancellationToken cancellationToken)
    {
        using var lines = new StreamReader(body);
        while (await lines.ReadLineAsync(cancellationToken) is { } line)
        {
            if (!line.StartsWith("data: {", StringComparison.Ordinal))
            {
                continue;
            }

            using var data = JsonDocument.Parse(line.AsMemory(6));
            var type = data.RootElement.GetProperty("type").GetString();
            switch (type)
            {
                case "start":
                    _current = data.RootElement.GetProperty("messageId").GetGuid();
                    Thread = data.RootElement.GetProperty("threadId").GetGuid();
                    _answers.TryAdd(_current, "");
                    break;
                case "content":
                    _answers[_current] += data.RootElement.GetProperty("content").GetString();
                    break;
                case "done" or "error" or "aborted":
                    End = type;
                    return;
            }
        }
    }
}
