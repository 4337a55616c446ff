with

source as (

    {{ account_mapping.setting('account_mapping__currency_rates', required={
        'currency': dbt.type_string(),
        'rate': 'decimal(18, 8)',
    }) }}

),

renamed as (

    select
        upper(currency) as currency,
        rate

    from source
    where currency is not null

)

select * from renamed
