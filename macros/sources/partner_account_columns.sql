{% macro partner_account_columns() -%}
    {#- The select list that types a readable partner row of trimmed text, whether it came as a table or as a file. -#}
    ---------- ids
    lower({{ account_mapping.clean_id('partner_id', is_clean=true) }}) as partner_id,
    {{ account_mapping.clean_id('account_id', is_clean=true) }} as account_id,
    {{ account_mapping.clean_id('parent_account_id', is_clean=true) }} as parent_account_id,

    ---------- strings
    {% for column in [
        'account_name', 'website', 'email_domain', 'country', 'state', 'city', 'status', 'segment', 'owner_name',
        'owner_email', 'currency', 'industry', 'linkedin_url', 'deal_stage',
    ] -%}
    {{ column }},
    {% endfor -%}
    {% for column in ['postal_code', 'lei', 'duns', 'vat_id'] -%}
    {{ account_mapping.clean_id(column, is_clean=true) }} as {{ column }},
    {% endfor -%}
    open_amount as raw_open_amount,

    ---------- numerics
    {{ account_mapping.to_decimal('open_amount') }} as open_amount,
    {{ account_mapping.to_decimal('annual_revenue') }} as annual_revenue,
    {{ account_mapping.to_integer('employee_count') }} as employee_count,

    ---------- dates and timestamps
    {% for column in ['customer_since', 'deal_close_date', 'last_won_on'] -%}
    {{ account_mapping.to_date(column, is_clean=true) }} as {{ column }},
    {% endfor -%}
    {{ account_mapping.to_timestamp('updated_at', is_clean=true) }} as updated_at
{%- endmacro %}
