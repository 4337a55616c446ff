with

source as (

    {{ account_mapping.setting('account_mapping__match_overrides', required={
        'partner_id': dbt.type_string(),
        'account_id': dbt.type_string(),
        'partner_account_id': dbt.type_string(),
        'decision': dbt.type_string(),
    }, optional={
        'decided_by': dbt.type_string(),
        'decided_on': 'date',
    }) }}

),

renamed as (

    select
        ---------- ids
        partner_id,
        account_id,
        partner_account_id,

        ---------- text
        lower(decision) as decision,
        {{ account_mapping.spreadsheet_safe('decided_by') }} as decided_by,

        ---------- dates
        decided_on

    from source

)

select * from renamed
