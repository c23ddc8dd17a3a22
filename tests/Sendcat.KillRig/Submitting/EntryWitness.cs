using Sendcat.KillRig.Ledger;

namespace Sendcat.KillRig.Submitting;

/// <summary>Writes each queued job to the ledger as soon as the client logs its id, because a submitter may be killed before its turn ends.</summary>
internal sealed class EntryWitness(LedgerFile ledger) : ILoggerProvider, ILogger
{
    private const int JobEntered = 2710;

    private static readonly AsyncLocal<string?> Asking = new();

    /// <summary>Sets the nonce of the current turn.</summary>
    public static void Ask(string nonce) => Asking.Value = nonce;

    public ILogger CreateLogger(string categoryName) => this;

    public bool IsEnabled(LogLevel logLevel) => true;

    public IDisposable? BeginScope<TState>(TState state)
        where TState : notnull => null;

    public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
    {
        if (eventId.Id == JobEntered && Asking.Value is { } nonce && state is IReadOnlyList<KeyValuePair<string, object?>> values)
        {
            ledger.Write("entered", nonce, $"{values.First(it => it.Key == "Job").Value}");
        }
    }

    public void Dispose()
    {
        // The service container disposes of the ledger.
    }
}
