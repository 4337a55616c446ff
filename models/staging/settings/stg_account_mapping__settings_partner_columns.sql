with

source as (

    {{ account_mapping.setting('account_mapping__partner_columns', required={
        'partner_id': dbt.type_string(),
        'column': dbt.type_string(),
        'meaning': dbt.type_string(),
    }) }}

),

renamed as (

    select distinct
        lower(partner_id) as partner_id,
        {{ adapter.quote('column') }} as column_name,
        lower(meaning) as meaning

    from source
    where
        partner_id is not null
        and {{ adapter.quote('column') }} is not null

)

select * from renamed
