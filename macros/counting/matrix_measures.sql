{% macro matrix_measures(cells, is_not_shared) -%}
    {#- Counts and state of a cell, for every matrix alike: what one side does not share is never shown as zero.

        `cells`: name of a CTE, joined, with our_accounts, partner_accounts, companies and open_pipeline_amount.
        `is_not_shared`: a boolean expression. -#}
    {% for measure, type in {
        'our_accounts': 'bigint', 'partner_accounts': 'bigint', 'companies': 'bigint',
        'open_pipeline_amount': 'decimal(28, 2)',
    }.items() -%}
    cast(
        case
            when {{ is_not_shared }} then nullif({{ cells }}.{{ measure }}, 0)
            else coalesce({{ cells }}.{{ measure }}, 0)
        end as {{ type }}
    ) as {{ measure }},
    {% endfor -%}
    case
        when {{ is_not_shared }} then 'not_shared'
        else 'counted'
    end as cell_state
{%- endmacro %}
