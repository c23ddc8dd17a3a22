namespace Sendcat.Reliability.Circuits;

/// <summary>
/// Permission for one call to a provider. Only the first report of the call's result has an effect. Disposal without a report, for instance
/// after a caller cancelled, counts as neutral.
/// </summary>
public sealed class CircuitPermit : IDisposable
{
    private readonly Circuit _circuit;
    private readonly long _epoch;
    private int _settled;

    internal CircuitPermit(Circuit circuit, long epoch, bool probe) => (_circuit, _epoch, IsProbe) = (circuit, epoch, probe);

    /// <summary>Whether this is the one call that a half-open circuit permits.</summary>
    public bool IsProbe { get; }

    /// <summary>The call succeeded.</summary>
    public void Succeeded()
    {
        if (Settle())
        {
            _circuit.Succeeded(_epoch);
        }
    }

    /// <summary>
    /// The provider served a call that does not count for the circuit. This proves that the key is valid, and nothing else.
    /// </summary>
    public void KeyAccepted()
    {
        if (Settle())
        {
            _circuit.KeyAccepted(_epoch);
            _circuit.Neutral(_epoch);
        }
    }

    /// <summary>The provider rejected our account: the key (401) or the credit (402).</summary>
    /// <param name="refusal">What was rejected.</param>
    /// <param name="configured">Whether the call counts for the circuit. A lack of credit is counted only then.</param>
    public void AccountRefused(Suspension refusal, bool configured)
    {
        if (Settle())
        {
            _circuit.AccountRefused(_epoch, refusal, configured);
        }
    }

    /// <summary>The call failed, and the failure is the provider's.</summary>
    /// <param name="error">
    /// For operators; truncated to 500 characters. It must not contain provider text that a client can influence.
    /// </param>
    public void Failed(string error)
    {
        if (Settle())
        {
            _circuit.Failed(_epoch, error);
        }
    }

    /// <summary>The result says nothing about the provider's health.</summary>
    public void Neutral()
    {
        if (Settle())
        {
            _circuit.Neutral(_epoch);
        }
    }

    /// <summary>Reports the result by the HTTP status of the response, see <see cref="StatusClass"/>.</summary>
    public void Responded(int status)
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

/// <summary>Permission to call a provider, or the time until a retry.</summary>
/// <param name="Permit">The permission; null when the circuit refuses the call.</param>
/// <param name="RetryAfter">Zero with a permission. Otherwise the rest of the cooldown, or at most 1 s while another call probes.</param>
/// <param name="Suspended">Why the provider is suspended; null when the circuit is open because of failures.</param>
public readonly record struct CircuitEntry(CircuitPermit? Permit, TimeSpan RetryAfter, Suspension? Suspended = null);
