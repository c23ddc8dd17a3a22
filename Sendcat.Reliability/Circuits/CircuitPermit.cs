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

    /// <summary>The provider served a call that does not count for the circuit: nothing but the key is proven.</summary>
    public void KeyAccepted()
    {
        if (Settle())
        {
            _circuit.KeyAccepted(_epoch);
            _circuit.Neutral(_epoch);
        }
    }

    /// <summary>The provider refused our account: its key (401) or its credit (402).</summary>
    /// <param name="configured">The call counts for the circuit; a lack of credit says something only then.</param>
    public void AccountRefused(Suspension refusal, bool configured)
    {
        if (Settle())
        {
            _circuit.AccountRefused(_epoch, refusal, configured);
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
/// <param name="Suspended">Why nobody may call, when it is not for failures.</param>
public readonly record struct CircuitEntry(CircuitPermit? Permit, TimeSpan RetryAfter, Suspension? Suspended = null);
