using Sendcat.KillRig.Ledger;

namespace Sendcat.KillRig.Submitting;

/// <summary>Writes into the ledger that a job was entered, at the moment when the client knows it: a submitter may be killed before its turn is answered.</summary>
internal sealed class EntryWitness(LedgerFile ledger) : ILoggerProvider, ILogger
{
    private const int JobEntered = 2710;

    private static readonly AsyncLocal<string?> Asking = new();

    /// <summary>The question that this turn asks.</summary>
    public static void Ask(string nonce) => Asking.Value = nonce;

    public ILogger CreateLogger(string categoryName) => this;

    public bool IsEnabled(LogLevel logLevel) => true;

    public IDisposable? BeginScope<TState>(TState state)
        where TState : notnull => null;

    public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
    {
        if (eventId.Id == JobEntered && Asking.Value is { } nonce && state is IReadOnlyList<KeyValuePair<string, object?>> said)
        {
            ledger.Write("entered", nonce, $"{said.First(it => it.Key == "Job").Value}");
        }
    }

    public void Dispose()
    {
        // The ledger is the container's.
    }
}
