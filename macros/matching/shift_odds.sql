{% macro shift_odds(probability, intercept, slope) -%}
    {#- A probability after its log-odds went through a line; probabilities of 0 and 1 count as .0001 and .9999, an
        unknown line changes nothing. A decimal of four places: no such value but those of four places is rational, so that
        none sits on a tie. -#}
    cast(round(
        1.0 / (
            1.0 + exp(
                -coalesce({{ intercept }}, 0.0) - coalesce({{ slope }}, 1.0) * ln(
                    least(greatest({{ probability }}, 0.0001), 0.9999)
                    / (1.0 - least(greatest({{ probability }}, 0.0001), 0.9999))
                )
            )
        ), 4
    ) as decimal(5, 4))
{%- endmacro %}
