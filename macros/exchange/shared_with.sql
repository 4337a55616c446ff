{% macro shared_with(partner_id, kind) -%}
    {#- What one partner may read, for a view of its own on engines where no files are exchanged: the rows that the
        exchange command would send, without `partner_id`. kind: `keys`, `counts`, `fields`, or `agreement`, our own
        statement, which the partner needs as its partners.partner_agreements. -#}
    {%- set layouts = account_mapping._exchange_layouts() -%}
    {%- if kind == 'agreement' -%}
    select
        direction,
        our_status,
        partner_status,
        sharing_level as level,
        shared_fields as fields,
        minimum_count,
        valid_from,
        valid_until
    from {{ ref('account_mapping', 'stg_account_mapping__settings_sharing_agreements') }}
    {%- elif kind in layouts -%}
    select
        {{ layouts[kind]['columns'] | join(',\n        ') }}
    from {{ ref('account_mapping', 'account_mapping__shared_' ~ kind) }}
    {%- else -%}
        {%- do exceptions.raise_compiler_error(
            "account_mapping: shared_with knows keys, counts, fields and agreement, not `" ~ kind ~ "`."
        ) -%}
    {%- endif %}
    where partner_id = {{ account_mapping._text_literal(partner_id) }}
{%- endmacro %}
