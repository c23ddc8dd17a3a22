namespace Sendcat.Reliability.Circuits;

/// <summary>Leave to call a provider. Says once how it ended; left unsaid, or disposed first, it counts as neutral, as does a caller who went away.</summary>
public sealed class CircuitPermit : IDisposable
{
    private readonly Circuit _circuit;
    private readonly long _epoch;
    private int _settled;

    internal CircuitPermit(Circuit circuit, long epoch, bool probe) => (_circuit, _epoch, IsProbe) = (circuit, epoch, probe);

    /// <summary>The one call of a half-open circuit.</summary>
    public bool IsProbe { get; }

    public void Succeeded()
    {
        if (Settle())
        {
            _circuit.Succeeded(_epoch);
        }
    }

    /// <param name="error">For operators; cut to 500 characters. No provider text that a client wrote.</param>
    public void Failed(string error)
    {
        if (Settle())
        {
            _circuit.Failed(_epoch, error);
        }
    }

    public void Neutral()
    {
        if (Settle())
        {
            _circuit.Neutral(_epoch);
        }
    }

    /// <summary>Settles by the answer's status.</summary>
    public void Answered(int status)
    {
        switch (StatusClass.Of(status))
        {
            case CallVerdict.Success:
                Succeeded();
                break;
            case CallVerdict.Failure:
                Failed($"HTTP {status}");
                break;
            default:
                Neutral();
                break;
        }
    }

    public void Dispose() => Neutral();

    private bool Settle() => Interlocked.Exchange(ref _settled, 1) == 0;
}

/// <summary>Leave to call, or when to ask again.</summary>
public readonly record struct CircuitEntry(CircuitPermit? Permit, TimeSpan RetryAfter);
