with

input_tables as (

    select * from {{ ref('int_account_mapping__input_tables') }}

),

final as (

    select
        input as source,
        missing as row_key,
        'unrecognised_columns' as problem,
        'columns of ' || relation_name || ': ' || columns_read || case when columns_read <> '' then '; ' else '' end
        || columns_unread as detail,
        rows_read as n_rows

    from input_tables
    where missing <> ''

    union all

    select
        input as source,
        other_tables as row_key,
        'other_table' as problem,
        'read: ' || relation_name as detail,
        1 as n_rows

    from input_tables
    where other_tables <> ''

    union all

    select
        input as source,
        '(all)' as row_key,
        'unread_columns' as problem,
        columns_unread as detail,
        1 as n_rows

    from input_tables
    where
        input in ('partners.partner_accounts', 'partners.partner_deals', 'partners.partner_contacts')
        and columns_unread <> ''

    {% for setting, nothing in account_mapping.settings_that_name_nothing() %}
    union all

    select
        'settings' as source,
        {{ account_mapping._text_literal(setting) }} as row_key,
        'setting_names_nothing' as problem,
        {{ account_mapping._text_literal(nothing) }} as detail,
        1 as n_rows
    {% endfor %}
)

select * from final
