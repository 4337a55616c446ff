with

source as (

    {{ account_mapping.setting('account_mapping__target_accounts', required={
        'list_name': dbt.type_string(),
    }, optional={
        'account_id': dbt.type_string(),
        'domain': dbt.type_string(),
    }) }}

),

renamed as (

    select distinct
        {{ account_mapping.spreadsheet_safe('list_name') }} as list_name,
        account_id,
        lower(domain) as raw_domain

    from source
    where
        list_name is not null
        and (account_id is not null or domain is not null)

)

select * from renamed
