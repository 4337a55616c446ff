{% macro is_primary(links) -%}
    {#- Whether a link sets the cell of our account: the same company first, then the partner's best status, then the
        surest link, then the partner's least id. `links`: name of a CTE of accepted links. -#}
    row_number() over (
        partition by {{ links }}.partner_id, {{ links }}.account_id
        order by
            case when {{ links }}.relationship = 'same' then 0 else 1 end,
            {{ links }}.partner_status_rank,
            {{ links }}.match_probability desc,
            {{ links }}.partner_account_id
    ) = 1
{%- endmacro %}
